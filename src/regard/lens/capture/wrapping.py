"""Other forwards in place of modules' own, for a while."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

Forward = Callable[..., Any]


@contextmanager
def wrapped(module: nn.Module, wrap: Callable[[Forward], Forward], method: str = "forward") -> Iterator[None]:
    """Lets a module run another forward than its own; afterwards it is as it was.

    Hooks would do, but torch's fast paths are closed where there are hooks.

    Args:
        module: whose forward it is; only this object's is changed.
        wrap: from the module's own forward to what shall run.
        method: another method than forward.

    Example:
        >>> import torch
        >>> module = nn.Identity()
        >>> with wrapped(module, lambda own: lambda x: own(x) + 1):
        ...     print(module(torch.zeros(1)))
        tensor([1.])
        >>> module(torch.zeros(1)), "forward" in vars(module)
        (tensor([0.]), False)
    """
    own = getattr(module, method)
    attributes = vars(module)
    before = attributes.get(method)
    attributes[method] = functools.wraps(own)(wrap(own))
    try:
        yield
    finally:
        if before is None:
            del attributes[method]
        else:
            attributes[method] = before


def compiled_by(module: nn.Module) -> str | None:
    """The method by which ``torch.compile`` runs a module; None for one that is not compiled.

    Example:
        >>> compiled_by(nn.Identity()) is None
        True
    """
    if module._compiled_call_impl is not None:
        return "_compiled_call_impl"
    # Whoever has compiled anything has imported this, which takes seconds: not for this question alone.
    frames = sys.modules.get("torch._dynamo.eval_frame")
    return "forward" if frames is not None and isinstance(module, frames.OptimizedModule) else None

"""Other forwards in place of modules' own, for a while."""

from __future__ import annotations

import copy
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import nn

Forward = Callable[..., Any]
Wrap = Callable[[Forward], Forward]


@dataclass(slots=True)
class _Replaced:
    """A method in whose place another runs.

    Attributes:
        own: the method.
        before: what the object itself had by its name; None if it is its class's.
        wraps: what lies around it now, the innermost first.
    """

    own: Forward
    before: Forward | None
    wraps: list[Wrap] = field(default_factory=list)


_REPLACED: dict[tuple[nn.Module | type[nn.Module], str], _Replaced] = {}
"""What is replaced now, and nothing else: blocks of several threads may be open, and end in any order."""

_LOCK = threading.Lock()


@contextmanager
def wrapped(owner: nn.Module | type[nn.Module], wrap: Wrap, method: str = "forward") -> Iterator[None]:
    """Lets a module run another forward than its own; after the last such block it is as it was.

    Hooks would do, but torch's fast paths are closed where there are hooks.

    Args:
        owner: whose forward it is; only this object's is changed. Or the class that has it.
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
    with _LOCK:
        replaced = _REPLACED.setdefault(
            (owner, method), _Replaced(getattr(owner, method), vars(owner).get(method))
        )
        replaced.wraps.append(wrap)
        _put(owner, method, replaced)
    try:
        yield
    finally:
        with _LOCK:
            replaced.wraps.remove(wrap)
            _put(owner, method, replaced)
            if not replaced.wraps:
                del _REPLACED[owner, method]


def _put(owner: nn.Module | type[nn.Module], method: str, replaced: _Replaced) -> None:
    forward = replaced.before
    if replaced.wraps:
        forward = functools.reduce(lambda inner, wrap: wrap(inner), replaced.wraps, replaced.own)
        forward = functools.wraps(replaced.own)(forward)
    if isinstance(owner, type):
        setattr(owner, method, forward)
    elif forward is None:
        del vars(owner)[method]
    else:
        vars(owner)[method] = _StandIn(forward, owner, method, replaced.before) if replaced.wraps else forward


class _StandIn:
    """What runs in place of a module's method, and is not copied with the module.

    A deep copy that is made meanwhile, of weights that are averaged, say, would run the original ever after.
    """

    def __init__(self, forward: Forward, owner: nn.Module, method: str, before: Forward | None) -> None:
        functools.update_wrapper(self, forward)
        self._forward, self._owner, self._method, self._before = forward, owner, method, before

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._forward(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_forward":  # not there yet
            raise AttributeError(name)
        return getattr(self._forward, name)  # who compiles or exports reads code and globals of a function

    def __deepcopy__(self, memo: dict[int, Any]) -> object:
        twin = memo.get(id(self._owner))
        if twin is None:  # the module copies itself in a way of its own, and has not said into what
            return self
        return _own_method(twin, self._method, copy.deepcopy(self._before, memo))

    def __reduce__(self) -> tuple[Callable[..., Forward], tuple[object, ...]]:
        return _own_method, (self._owner, self._method, self._before)


def _own_method(owner: nn.Module, method: str, before: Forward | None) -> Forward:
    """What a copy of a module, which has no attributes yet, is to have in place of a stand-in."""
    return getattr(type(owner), method).__get__(owner) if before is None else before


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

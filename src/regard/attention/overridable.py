"""Attention that torch's function modes are told of."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_variadic

from regard.attention.attend import Attended, attend


def overridable_attend(query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Attended:
    """:func:`attend`, such that a ``TorchFunctionMode`` that is on may change what comes of it.

    So it is with torch's own functions. A mode is of one thread and touches no module, so that a model can
    be edited in one thread while others use it as it is.

    Args:
        query: as :func:`attend` takes it, as the rest.
        key: [batch, kv_heads, keys, dim].
        value: [batch, kv_heads, keys, value_dim].
        **options: of :func:`attend`.

    Example:
        >>> import torch
        >>> from torch.overrides import TorchFunctionMode
        >>> class Tell(TorchFunctionMode):
        ...     def __torch_function__(self, func, types, args=(), kwargs=None):
        ...         print(func.__name__)
        ...         return func(*args, **(kwargs or {}))
        >>> states = torch.zeros(1, 1, 2, 4)
        >>> with Tell():
        ...     _ = overridable_attend(states, states, states)
        overridable_attend
    """
    if has_torch_function_variadic(query, key, value):
        told: Attended = handle_torch_function(
            overridable_attend, (query, key, value), query, key, value, **options
        )
        return told
    return attend(query, key, value, **options)

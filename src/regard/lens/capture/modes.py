"""Function modes, laid on torch's stack and taken off it again, wherever they lie by then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode, _pop_mode, _push_mode


@contextmanager
def above(mode: TorchFunctionMode) -> Iterator[None]:
    """Lays a mode above all that are on; blocks need not end in the order in which they began."""
    _push_mode(mode)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        _take_off(mode)


@contextmanager
def beneath(mode: TorchFunctionMode) -> Iterator[None]:
    """Lays a mode beneath all that are on: those who look see what it has changed."""
    _lay([mode, *_taken()])
    try:
        yield
    finally:
        _take_off(mode)


def _take_off(mode: TorchFunctionMode) -> None:
    _lay([one for one in _taken() if one is not mode])


def _taken() -> list[TorchFunctionMode]:
    """All modes, taken off the stack, the lowest first."""
    count = torch._C._len_torch_function_stack()
    return [_pop_mode() for _ in range(count)][::-1]  # type: ignore[no-untyped-call]


def _lay(modes: Iterable[TorchFunctionMode]) -> None:
    for mode in modes:
        _push_mode(mode)  # type: ignore[no-untyped-call]

"""Sees every call of scaled dot-product attention in a thread, however the function was imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import (
    TorchFunctionMode,
    _get_current_function_mode,
    _get_current_function_mode_stack,
)

from regard.lens.capture import multi_head
from regard.lens.capture.dot_product import DOT_PRODUCTS, dot_product
from regard.lens.capture.edited import edited
from regard.lens.capture.modes import above
from regard.lens.capture.observer import Observer
from regard.lens.capture.owner import running
from regard.lens.capture.packed import unpacked


class Watch(TorchFunctionMode):
    """Lets every function of torch run as it is, and tells of those that are attention.

    Args:
        observer: who is told.
        names: the modules whose calls count, and the names of their places.

    Attributes:
        ran: whether any function was called; compiled code, into which this is traced, says so too.
    """

    def __init__(self, observer: Observer, names: Mapping[nn.Module, str]) -> None:
        super().__init__()
        self._observer = observer
        self._names = names
        self._aside = 0
        self.ran = False

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        output = func(*args, **options)
        self.ran = True
        if torch.compiler.is_compiling():
            return output
        if not self._aside and self._observer.here:
            if any(func is one for one in DOT_PRODUCTS):
                self._dot_product(output, args, options)
            elif func is F.multi_head_attention_forward:
                self._multi_head(output, args, options)
        return output

    def _dot_product(self, output: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        module = running(self._names)
        if module is None or output.is_nested:
            return
        call = unpacked(dot_product(output, *args, **options), module)
        batch, _, queries, keys = call.shape
        self._observer.saw(self._names[module], (batch, queries, keys), lambda: edited(call, module))

    def _multi_head(self, output: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        module = running(self._names)
        given = multi_head.bound(args, options)
        if module is None or given["static_k"] is not None or given["static_v"] is not None:
            return
        self._observer.saw(
            self._names[module],
            multi_head.sizes(given),
            lambda: edited(multi_head.multi_head(given, output[0]), module),
        )

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Steps aside: torch's fast paths are closed while any mode watches.

        Another mode on top keeps them closed by itself; then it is enough not to look.
        """
        on_top = _get_current_function_mode() is self  # type: ignore[no-untyped-call]
        self._aside += 1
        if on_top:
            self.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            if on_top:
                self.__enter__()  # type: ignore[no-untyped-call]
            self._aside -= 1

    @contextmanager
    def back(self) -> Iterator[None]:
        """Comes back, within what it has stepped aside for."""
        on = self in _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
        aside, self._aside = self._aside, 0
        try:
            with nullcontext() if on else above(self):
                yield
        finally:
            self._aside = aside

"""Modules of torch that have fast paths, which close while a mode watches.

They run unwatched, and what their attention did is known by their arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from regard.lens.capture import multi_head
from regard.lens.capture.edited import edited
from regard.lens.capture.observer import Observer
from regard.lens.capture.watch import Watch
from regard.lens.capture.wrapping import Forward


def is_fast(module: nn.Module) -> bool:
    """Whether a module's forward can come to one of torch's fast paths.

    One of a class that is derived from torch's, with a forward of its own that never calls theirs, cannot.
    """
    if isinstance(module, nn.TransformerEncoder):
        return all(is_fast(layer) for layer in module.layers)
    for base in (nn.TransformerEncoderLayer, nn.MultiheadAttention):
        if isinstance(module, base):
            forward = inspect.unwrap(type(module).forward)
            names = getattr(getattr(forward, "__code__", None), "co_names", ("super",))
            return forward is base.forward or "super" in names or base.__name__ in names
    return False


class Fast:
    """Follows the attention inside of fast modules.

    Args:
        observer: who is told.
        watch: is set aside while they run.
    """

    def __init__(self, observer: Observer, watch: Watch) -> None:
        self._observer = observer
        self._watch = watch
        self._ran: set[nn.Module] = set()

    def wrap(self, names: Mapping[nn.Module, str], module: nn.Module) -> Callable[[Forward], Forward]:
        """What to run in place of a fast module's own forward.

        Args:
            names: of the places of modules.
            module: one that is fast.
        """
        if isinstance(module, nn.MultiheadAttention) and _is_plain(module, nn.MultiheadAttention):
            return partial(self._multi_head, names[module], module)
        if isinstance(module, nn.TransformerEncoderLayer) and _is_plain(module, nn.TransformerEncoderLayer):
            inside = module.self_attn
            if _is_plain(inside, nn.MultiheadAttention):
                return partial(self._encoder_layer, names[inside], module)
        return partial(_unwatched, self._watch)

    def _multi_head(self, name: str, module: nn.MultiheadAttention, own: Forward) -> Forward:
        """The forward of multi-head attention, by whichever path."""

        def forward(*arguments: Any, **options: Any) -> Any:
            if not self._observer.here:
                return own(*arguments, **options)
            self._ran.add(module)
            with self._watch.aside():
                output = own(*arguments, **options)
                given = multi_head.of_module(module, *arguments, **options)
                states = output[0]
                if not states.is_nested:
                    self._observer.saw(
                        name,
                        multi_head.sizes(given),
                        lambda: edited(
                            multi_head.multi_head(given, states, batch_first=module.batch_first), module
                        ),
                    )
            return output

        return forward

    def _encoder_layer(self, name: str, layer: nn.TransformerEncoderLayer, own: Forward) -> Forward:
        """The forward of an encoder's layer; on its fast path its attention is never called.

        Args:
            name: of the place of its attention.
            layer: the layer.
            own: its forward.
        """

        def forward(*arguments: Any, **options: Any) -> Any:
            if not self._observer.here:
                return own(*arguments, **options)
            self._ran.discard(layer.self_attn)
            with self._watch.aside():
                output = own(*arguments, **options)
                if layer.self_attn not in self._ran:
                    self._observer.saw(
                        name,
                        _sizes(*arguments, **options),
                        lambda: multi_head.encoder_layer(layer, *arguments, **options, output=output),
                    )
            return output

        return forward


def _sizes(src: Tensor, *_: Any, **__: Any) -> tuple[int, int, int]:
    if src.is_nested:
        longest = max(len(states) for states in src.unbind())
        return src.size(0), longest, longest
    return src.shape[0], src.shape[1], src.shape[1]


def _is_plain(module: nn.Module, base: type[nn.Module]) -> bool:
    """Whether a module's forward is that of torch's class."""
    return type(module).forward is base.forward


def _unwatched(watch: Watch, own: Forward) -> Forward:
    """A forward that runs with the watch set aside."""

    def forward(*arguments: Any, **options: Any) -> Any:
        if torch.compiler.is_compiling():
            return own(*arguments, **options)
        with watch.aside():
            return own(*arguments, **options)

    return forward

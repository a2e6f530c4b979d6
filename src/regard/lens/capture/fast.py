"""Modules of torch that have fast paths, which close while a mode watches.

They run unwatched, and what their attention did is known by their arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from regard.lens.capture import multi_head
from regard.lens.capture.edited import edited
from regard.lens.capture.observer import Observer
from regard.lens.capture.watch import Watch
from regard.lens.capture.wrapping import Forward, Wrap

_BASES: tuple[type[nn.Module], ...] = (
    nn.TransformerEncoder,
    nn.TransformerEncoderLayer,
    nn.MultiheadAttention,
)


def is_fast(module: nn.Module) -> bool:
    """Whether a module is one of torch's that have fast paths, or derives from them."""
    if isinstance(module, nn.TransformerEncoder):
        return all(is_fast(layer) for layer in module.layers)
    if isinstance(module, nn.TransformerEncoderLayer):
        return isinstance(module.self_attn, nn.MultiheadAttention)
    return isinstance(module, nn.MultiheadAttention)


class Fast:
    """Follows the attention inside of fast modules.

    Args:
        observer: who is told.
        watch: is set aside while they run.

    Attributes:
        derived: by torch's class, the modules with a forward of their own, and how its, which they reach by
            ``super``, is followed.
    """

    def __init__(self, observer: Observer, watch: Watch) -> None:
        self._observer = observer
        self._watch = watch
        self._ran: set[nn.Module] = set()
        self.derived: dict[type[nn.Module], dict[nn.Module, Wrap]] = {}

    def wrap(self, names: Mapping[nn.Module, str], module: nn.Module) -> Wrap:
        """What to run in place of a fast module's own forward.

        Args:
            names: of the places of modules.
            module: one that is fast.
        """
        base = next(base for base in _BASES if isinstance(module, base))
        follow = self._follow(names, module)
        if type(module).forward is base.forward:
            return follow
        self.derived.setdefault(base, {})[module] = follow
        return partial(self._watched, module)

    def _follow(self, names: Mapping[nn.Module, str], module: nn.Module) -> Wrap:
        if isinstance(module, nn.MultiheadAttention):
            return partial(self._multi_head, names[module], module)
        if isinstance(module, nn.TransformerEncoderLayer):
            return partial(self._encoder_layer, names[module.self_attn], module)
        return self._unwatched

    def by_super(self, base: type[nn.Module], own: Forward) -> Forward:
        """The forward of torch's class, followed for those of this model that derive from it.

        Args:
            base: the class.
            own: its forward.
        """
        follows = self.derived[base]

        def forward(module: nn.Module, *arguments: Any, **options: Any) -> Any:
            if torch.compiler.is_compiling() or module not in follows:
                return own(module, *arguments, **options)
            return follows[module](partial(own, module))(*arguments, **options)

        return forward

    def _watched(self, module: nn.Module, own: Forward) -> Forward:
        """The forward of a derived class, whose own doings are seen even within what runs unwatched."""

        def forward(*arguments: Any, **options: Any) -> Any:
            if not self._observer.here:
                return own(*arguments, **options)
            self._ran.add(module)
            with self._watch.back():
                return own(*arguments, **options)

        return forward

    def _unwatched(self, own: Forward) -> Forward:
        """A forward that runs with the watch set aside."""

        def forward(*arguments: Any, **options: Any) -> Any:
            if not self._observer.here:
                return own(*arguments, **options)
            with self._watch.aside():
                return own(*arguments, **options)

        return forward

    def _multi_head(self, name: str, module: nn.MultiheadAttention, own: Forward) -> Forward:
        """The forward of multi-head attention, by whichever path."""

        def forward(*arguments: Any, **options: Any) -> Any:
            if not self._observer.here:
                return own(*arguments, **options)
            self._ran.add(module)
            with self._watch.aside():
                output = own(*arguments, **options)
                given = multi_head.of_module(module, *arguments, **options)
                self._observer.saw(
                    name,
                    multi_head.sizes(given),
                    lambda: edited(
                        multi_head.multi_head(given, output[0], batch_first=module.batch_first), module
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

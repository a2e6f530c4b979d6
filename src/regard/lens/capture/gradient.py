"""The gradient of a scalar by attention weights, which no autograd graph holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.lens.capture.block import Recomputed, take


class NoGradientError(RuntimeError):
    """There is no gradient of weights to give; the message says why."""


class Arrival:
    """Waits at what a call gave for the gradient that a backward brings there.

    A hook is on that tensor, which is part of the graph of one run: nothing is put on the model.

    Args:
        call: that has just ended.

    Attributes:
        waits: whether a backward can bring anything: the call ran with gradients.
        context: [batch, heads, queries, value_dim], by the contexts of the heads, once it is there; that of
            the latest backward.
    """

    def __init__(self, call: Recomputed) -> None:
        self.waits = call.made.requires_grad
        self.context: Tensor | None = None
        if self.waits:
            to_context = call.to_context()
            root, to_made = _root(call.made)

            def arrived(gradient: Tensor) -> None:
                with torch.no_grad():
                    self.context = to_context(to_made(gradient.detach()))

            root.register_hook(arrived)  # type: ignore[no-untyped-call]


def _root(made: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Where to wait for the gradient by a tensor, and the way to it from the one that comes there.

    What is added in place to a view takes the view out of the graph, but not what it is a view of.
    """
    base = made._base
    if base is None or not base.requires_grad or base.numel() != made.numel():
        return made, lambda gradient: gradient
    size, stride = base.size(), base.stride()
    place = made.size(), made.stride(), made.storage_offset() - base.storage_offset()
    return base, lambda gradient: gradient.new_empty_strided(size, stride).copy_(gradient).as_strided(*place)


@dataclass(frozen=True, slots=True)
class Gradient:
    """The gradient by the weights of one call: as context = weights · value, it is dcontext · valueᵀ.

    Attributes:
        arrival: where the gradient by the context comes in.
        value: [batch, kv_heads, keys, value_dim].
        heads: which are kept.
        rows: which queries of the call are kept.
        drops: whether the model dropped weights, by chance.
    """

    arrival: Arrival
    value: Tensor
    heads: tuple[int, ...]
    rows: tuple[int, ...]
    drops: bool

    @classmethod
    def of(cls, call: Recomputed, heads: Sequence[int], rows: Sequence[int]) -> Gradient:
        """Begins to wait."""
        return cls(Arrival(call), call.value.detach(), tuple(heads), tuple(rows), call.drops)

    def only(self, rows: Sequence[int]) -> Gradient:
        """That of some of the rows, by their places among those kept."""
        return replace(self, rows=tuple(self.rows[row] for row in rows))

    def by_weights(self, name: str) -> Tensor:
        """[batch, heads, rows, keys], float32 (float64 of a float64 model), on the CPU.

        Args:
            name: of the place, for errors.

        Raises:
            NoGradientError: the model ran without gradients, dropped weights by chance, or no backward came.
        """
        if self.drops:
            raise NoGradientError(
                f"{name}: the model dropped weights by chance, and which is not known: no gradient by them "
                "can be told; put the model into evaluation: model.eval()"
            )
        if not self.arrival.waits:
            raise NoGradientError(
                f"{name}: the model ran without gradients (torch.no_grad(), a fast path that has none, or "
                "parameters and inputs that ask for none); run it with them"
            )
        if self.arrival.context is None:
            raise NoGradientError(
                f"{name}: no gradient has come here yet; call backward() of a scalar that this attention "
                "led to, then ask"
            )
        context = take(take(self.arrival.context, 1, self.heads), 2, self.rows)
        shared = self.arrival.context.shape[1] // self.value.shape[1]
        value = take(self.value, 1, [head // shared for head in self.heads])
        wide = torch.promote_types(context.dtype, torch.float32)
        return (context.to(wide) @ value.to(wide).transpose(-2, -1)).cpu()

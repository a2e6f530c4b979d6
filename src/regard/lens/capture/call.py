"""One call of scaled dot-product attention: what it was given, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.attention.kernels.budget import budget
from regard.lens.capture.block import ON_CPU, Block, Recomputed, chunks, positions, take
from regard.lens.capture.edited import Changes
from regard.lens.capture.even import even_mask
from regard.nn.product import multiply

_AT_ONCE = 32
"""Rows of a block, at least, before heads are taken together: a product of fewer rows is slow."""

_KEYS = 1024
"""Causal rows are given a multiple of so many keys: for every other shape oneDNN makes and keeps new code."""


@dataclass(frozen=True)
class Call(Recomputed):
    """A call of softmax(scale · query · key + masks) · value.

    Attributes:
        query: [batch, heads, queries, dim].
        key: [batch, kv_heads, keys, dim]; query heads share them in groups.
        value: [batch, kv_heads, keys, value_dim]; its groups may be others.
        output: the model's own: [batch, heads, queries, value_dim], or what ``behind`` makes of that.
        made: the tensor that the model goes on with.
        scale: of the products.
        masks: [batch or 1, heads or 1, queries or 1, keys] each; boolean ones say who may be looked at,
            others are added to the scores.
        causal: query i sees keys 0 … i: the first query stands at the first key.
        drops: whether the model dropped weights, by chance.
        absent: [batch, queries], queries that the model left out, being padding.
        behind: from the contexts of all heads [batch, heads, rows, value_dim], and which rows they are, to
            the rows of ``output`` [batch, 1, rows, size], where the model gives no contexts by themselves.
        before: the way back, for gradients: from that by ``made`` to that by the contexts of all heads.

    Example:
        >>> states = torch.zeros(1, 2, 3, 4)
        >>> call = Call(states, states, states, states, states, scale=0.5, causal=True)
        >>> [block] = call.blocks([0], [1, 2])
        >>> block.weights[0, 0]
        tensor([[0.5000, 0.5000, 0.0000],
                [0.3333, 0.3333, 0.3333]])
    """

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    made: Tensor
    scale: float
    masks: tuple[Tensor, ...] = ()
    causal: bool = False
    drops: bool = False
    absent: Tensor | None = None
    behind: Callable[[Tensor, Sequence[int]], Tensor] | None = None
    before: Callable[[Tensor], Tensor] | None = None

    @property
    def dtype(self) -> torch.dtype:
        """Of the queries."""
        return self.query.dtype

    @property
    def whole(self) -> bool:  # type: ignore[override]
        """Whether what comes out behind takes all heads."""
        return self.behind is not None

    def even(self, changes: Changes) -> Call:
        """Some heads with queries of zeros, which are alike to every key."""
        heads = changes.which_even(self.query.device)
        masks = tuple(torch.where(heads, even_mask(mask), mask) for mask in self.masks)
        return replace(self, query=self.query.masked_fill(heads, 0.0), masks=masks)

    def finish(self, context: Tensor, rows: Sequence[int]) -> Tensor:
        """Contexts, or what the model makes of them."""
        return context if self.behind is None else self.behind(context, rows)

    def to_context(self) -> Callable[[Tensor], Tensor]:
        """The way back, through what lies behind if anything does."""
        return super().to_context() if self.before is None else self.before

    def blocks(self, heads: Sequence[int], rows: Sequence[int]) -> Iterator[Block]:
        """Some heads and rows; of causal calls without the keys ahead."""
        wide = torch.promote_types(self.dtype, torch.float32)
        batch, all_heads, _, keys = self.shape
        room = budget(self.query.device, ON_CPU) // (batch * keys)
        together = len(heads) if self.whole else max(1, room // min(_AT_ONCE, max(1, len(rows))))
        for some in chunks(heads, together):
            query = take(self.query, 1, some)
            # Heads mostly lie between each other; each block reads them again, so they are gathered once.
            key, value = (
                take(x, 1, [head * x.shape[1] // all_heads for head in some]).to(wide).contiguous()
                for x in (self.key, self.value)
            )
            masks = [take(mask, 1, some) if mask.shape[1] > 1 else mask for mask in self.masks]
            for few in chunks(rows, max(1, room // len(some))):
                scores = self._scores(take(query, 2, few).to(wide), key, masks, few)
                yield self._block(some, few, scores, value)

    def _scores(self, query: Tensor, key: Tensor, masks: Sequence[Tensor], rows: Sequence[int]) -> Tensor:
        keys = key.shape[2]
        if self.causal:
            keys = min(keys, -(-(rows[-1] + 1) // _KEYS) * _KEYS)
        scores = _product(query * self.scale, key[:, :, :keys])
        for mask in masks:
            part = (take(mask, 2, rows) if mask.shape[2] > 1 else mask)[..., :keys]
            if part.dtype == torch.bool:
                scores.masked_fill_(~part, -torch.inf)
            else:
                scores.add_(part)
        if self.causal:
            # Up to the first of the rows every key is seen by all.
            first = min(rows[0], keys)
            ahead = torch.arange(first, keys, device=query.device) > positions(rows, query.device)[:, None]
            scores[..., first:].masked_fill_(ahead, -torch.inf)
        return scores

    def _block(self, heads: Sequence[int], rows: Sequence[int], scores: Tensor, value: Tensor) -> Block:
        weights = torch.softmax(scores, -1)
        empty = scores.amax(-1) == -torch.inf if self.masks else None
        if self.absent is not None:
            absent = take(self.absent, 1, rows)[:, None]
            empty = absent if empty is None else empty | absent
        if empty is not None:
            weights.masked_fill_(empty[..., None], 0.0)
        context = _product(weights, value[:, :, : weights.shape[-1]].transpose(-2, -1))
        return Block(heads, rows, weights, context, empty, scores)


def _product(x: Tensor, y: Tensor) -> Tensor:
    """x · yᵀ, [batch, heads, rows, columns]; a single product goes to the faster library."""
    if x.shape[:2] == y.shape[:2] == (1, 1):
        return multiply(x[0, 0], y[0, 0])[None, None]
    return x @ y.transpose(-2, -1)

"""The hidden layer of an additive score, block by block, forward and backward.

With r = 1 / (1 + exp(2x)), tanh x = 1 - 2r and its derivative is 4(r - r²); so a score is
Σ vector - 2 · vector · r. And exp(2(query + key)) = exp(2 query) · exp(2 key): one exponential for each
query and each key, none for each pair. Where that product could overflow, r is computed as the sigmoid of
-2(query + key).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.attention.kernels.budget import budget
from regard.attention.problem import Problem

BLOCK_ELEMENTS = 1 << 18
"""Elements of the hidden layer that are held at once on a CPU."""

EXPONENTS_PAY_FROM = 4
"""Queries: with fewer, exponentials of the keys are not worth their while."""


@dataclass(frozen=True, slots=True)
class Place:
    """Some rows of the batch, one of the query heads, some query rows."""

    items: slice
    head: int
    heads: int
    rows: range

    @property
    def queries(self) -> tuple[slice, int, slice]:
        """Index into [batch, heads, queries, …]."""
        return self.items, self.head, span_of(self.rows)

    def near(self, kv_heads: int, run: range) -> tuple[slice, int, slice]:
        """Index into [batch, kv_heads, keys, …]: a run of keys, of the head that this one shares."""
        return self.items, self.head // (self.heads // kv_heads), span_of(run)


class Hidden:
    """The hidden layer between all queries and keys, of which only blocks ever exist.

    Args:
        query: [batch, heads, queries, hidden].
        key: [batch, kv_heads, keys, hidden].
        vector: [heads, hidden].
        problem: bounds the rows of a block where queries see windows.
    """

    def __init__(self, query: Tensor, key: Tensor, vector: Tensor, problem: Problem | None = None) -> None:
        wide = torch.promote_types(query.dtype, torch.float32)
        self._given = query, key, vector
        self._vector = vector.to(wide)
        self._sum = self._vector.sum(-1)
        self._product, self.query, self._key = _halves(query.to(wide), key.to(wide))
        queries, keys, span = query.shape[2], key.shape[2], key.shape[2]
        if problem is not None:
            span = problem.scope.span(keys)
        pairs = max(1, budget(query.device, BLOCK_ELEMENTS) // query.shape[3])
        # Rows of one block share a run of keys, so within a window few rows are taken at once.
        self._run = max(1, min(keys, pairs, 2 * span + 16))
        self._rows = max(1, min(queries, pairs // self._run, max(16, span)))
        self._items = max(1, min(query.shape[0], pairs // (self._run * self._rows)))
        self._gradients: tuple[Tensor, Tensor, Tensor] | None = None

    def places(self) -> Iterator[Place]:
        """All of them; what differs least, the rows, outermost."""
        batch, heads, queries, _ = self.query.shape
        for row in range(0, queries, self._rows):
            rows = range(row, min(row + self._rows, queries))
            for head in range(heads):
                for item in range(0, batch, self._items):
                    yield Place(slice(item, item + self._items), head, heads, rows)

    def runs(self, reach: range) -> Iterator[range]:
        """Runs of the keys within reach."""
        for start in range(reach.start, reach.stop, self._run):
            yield range(start, min(start + self._run, reach.stop))

    def scores(self, place: Place, run: range) -> tuple[Tensor, Tensor]:
        """r [items, rows, keys, hidden] and the scores [items, rows, keys] of a block."""
        query = self.query[place.queries][:, :, None]
        key = self._key[place.near(self._key.shape[1], run)][:, None]
        if self._product:
            gate = torch.mul(query, key).add_(1.0).reciprocal_()
        else:
            gate = torch.add(query, key, alpha=-2.0).sigmoid_()
        scores = torch.mv(gate.view(-1, gate.shape[-1]), self._vector[place.head]).view(gate.shape[:3])
        return gate, scores.mul_(-2.0).add_(self._sum[place.head])

    def backward(self, place: Place, run: range, gate: Tensor, gradient: Tensor) -> None:
        """Add a block's share to the gradients, from those of its scores; overwrites `gate`."""
        if self._gradients is None:
            self._gradients = (
                torch.zeros_like(self.query),
                torch.zeros_like(self._key),
                torch.zeros_like(self._vector),
            )
        to_query, to_key, to_vector = self._gradients
        gradient = gradient.to(gate.dtype).contiguous()
        size = gate.shape[-1]
        pulled = torch.mv(gate.view(-1, size).t(), gradient.view(-1))
        to_vector[place.head] += pulled.mul_(-2.0).add_(gradient.sum())
        gate.addcmul_(gate, gate, value=-1.0)
        slope = 4.0 * self._vector[place.head]
        to_query[place.queries] += torch.matmul(gradient[:, :, None], gate).squeeze(2).mul_(slope)
        near = place.near(to_key.shape[1], run)
        to_key[near] += gate.mul_(gradient[..., None]).sum(1).mul_(slope)

    def gradients(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of query, key and vector, in their own dtypes."""
        if self._gradients is None:  # no block had any key
            query, key, vector = self._given
            return torch.zeros_like(query), torch.zeros_like(key), torch.zeros_like(vector)
        query, key, vector = (to.to(of.dtype) for to, of in zip(self._gradients, self._given, strict=True))
        return query, key, vector


def _halves(query: Tensor, key: Tensor) -> tuple[bool, Tensor, Tensor]:
    """Whether r comes from a product, and the query's and the key's part of it."""
    # Only where asking for the largest is free of a device's stall, and a transcendental function is dear.
    if query.device.type == "cpu" and query.shape[2] >= EXPONENTS_PAY_FROM and key.numel():
        exponent = 2.0 * float(query.abs().amax() + key.abs().amax())
        if exponent < 80.0:  # exp(80) is far from float32's largest, and exp(-80) from its smallest
            return True, torch.mul(query, 2.0).exp_(), torch.mul(key, 2.0).exp_()
    return False, torch.mul(query, -2.0), key


def span_of(run: range) -> slice:
    """The slice of a range."""
    return slice(run.start, run.stop)


def pick(mask: Tensor, items: slice, head: int) -> Tensor:
    """The part [items or 1, rows or 1, keys] of a mask broadcastable to [batch, heads, rows, keys]."""
    if mask.dim() == 2:
        return mask
    mask = mask[:, head if mask.shape[1] > 1 else 0]
    return mask[items] if mask.shape[0] > 1 else mask

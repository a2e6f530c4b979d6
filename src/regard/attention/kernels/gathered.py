"""The gathered kernel: each query's own window of keys, fetched by index.

It serves the windows that a query predicts (local-p), and fixed ones under selections that have no kernel
of their own. Time is O(queries × window × dim). Weights are held, O(queries × window), but the fetched
keys and values only a chunk at a time: they are fetched again in the backward.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from regard.attention.dropout import dropout
from regard.attention.kernels.budget import budget
from regard.attention.kernels.reference import reference
from regard.attention.problem import Problem, Solution
from regard.attention.scopes import Band

CHUNK_ELEMENTS = 1 << 18
"""Elements of the keys fetched at once on a CPU."""


def gathered(problem: Problem) -> Solution:
    """A product score, any selection, within a window."""
    batch, heads, _, _ = problem.query.shape
    keys = problem.key.shape[2]
    if not keys:
        return reference(problem)  # zeros, and no key to fetch
    index = _window(problem)
    inside = (index >= 0) & (index < keys)
    index = index.clamp(0, keys - 1)
    block = problem.block()
    allowed = problem.scope.allowed_at(block, index)
    if allowed is not None:
        inside = inside & allowed
    index = index.expand(batch, heads, *index.shape[2:])
    scores: Tensor = _Scores.apply(problem.query, problem.key, index) * problem.scale  # type: ignore[no-untyped-call]
    if problem.slopes is not None:
        distance = (block.positions()[:, None] - index).abs()
        scores = scores - problem.slopes[:, None, None].to(scores.dtype) * distance
    dead = torch.logical_not(inside.any(-1, keepdim=True))
    scores = scores.masked_fill(~inside, -torch.inf).masked_fill(dead, 0.0)
    weights, log_probability = problem.selection.weigh(scores, problem.training)
    if problem.predictive is not None and problem.centre is not None:
        weights = weights * problem.predictive.gaussian(index - problem.centre[..., None]).to(weights.dtype)
    weights = dropout(weights.masked_fill(dead, 0.0), problem.dropout)
    context: Tensor = _Read.apply(weights, problem.value, index)  # type: ignore[no-untyped-call]
    return Solution(context, None, log_probability)


def _window(problem: Problem) -> Tensor:
    """[batch or 1, heads or 1, queries, window] keys that each query can reach, some outside the row."""
    device = problem.query.device
    if problem.predictive is not None and problem.centre is not None:
        reach = problem.predictive.window
        start = (problem.centre.detach() - reach).ceil().long()
        return start[..., None] + torch.arange(2 * reach + 1, device=device)
    bands = [part for part in problem.scope.parts if isinstance(part, Band)]
    before = min(band.before for band in bands)
    after = min(band.after for band in bands)
    positions = problem.block().positions()
    return positions[None, None, :, None] + torch.arange(-before, after + 1, device=device)


class _Rows:
    """Keys or values as rows of one table, and the places in it that each query reads, chunk by chunk."""

    def __init__(self, x: Tensor, index: Tensor) -> None:
        batch, kv_heads, keys, dim = x.shape
        heads, self.width = index.shape[1], index.shape[3]
        self.table = x.reshape(batch * kv_heads * keys, dim)
        head = torch.arange(heads, device=x.device) // (heads // kv_heads)
        table = torch.arange(batch, device=x.device)[:, None] * kv_heads + head
        self._places = (index + (table * keys)[:, :, None, None]).reshape(-1)
        self._size = max(1, budget(x.device, CHUNK_ELEMENTS) // (self.width * dim))

    def chunks(self) -> Iterator[tuple[slice, Tensor]]:
        """Runs of all the queries of all heads, and the places [run · window] that they read."""
        for start in range(0, len(self._places) // self.width, self._size):
            places = self._places[start * self.width : (start + self._size) * self.width]
            yield slice(start, start + self._size), places

    def fetch(self, places: Tensor) -> Tensor:
        """[run, window, dim]."""
        rows = len(places) // self.width
        return self.table.index_select(0, places).view(rows, self.width, self.table.shape[1])

    def empty_gradient(self) -> Tensor:
        """Zeros like the table, where many queries add to one row: two-byte sums would forget the small."""
        return torch.zeros_like(self.table, dtype=torch.promote_types(self.table.dtype, torch.float32))


class _Scores(torch.autograd.Function):
    """query · key for the keys at `index` [batch, heads, queries, window]."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, index)
        rows = _Rows(key, index)
        flat = query.reshape(index.shape[:3].numel(), query.shape[-1], 1)
        scores = query.new_empty(flat.shape[0], rows.width)
        for chosen, places in rows.chunks():
            scores[chosen] = torch.bmm(rows.fetch(places), flat[chosen]).squeeze(2)
        return scores.view(index.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        query, key, index = ctx.saved_tensors
        rows = _Rows(key, index)
        flat = query.reshape(index.shape[:3].numel(), query.shape[-1])
        outer = gradients[0].reshape(len(flat), rows.width)
        to_query, to_table = torch.empty_like(flat), rows.empty_gradient()
        for chosen, places in rows.chunks():
            part = outer[chosen]
            to_query[chosen] = torch.bmm(part[:, None], rows.fetch(places)).squeeze(1)
            shares = part[:, :, None] * flat[chosen][:, None]
            to_table.index_add_(0, places, shares.flatten(0, 1).to(to_table.dtype))
        return to_query.view(query.shape), to_table.to(key.dtype).view(key.shape), None


class _Read(torch.autograd.Function):
    """weights · value for the values at `index` [batch, heads, queries, window]."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, value: Tensor, index: Tensor) -> Tensor:
        ctx.save_for_backward(weights, value, index)
        rows = _Rows(value, index)
        flat = weights.reshape(index.shape[:3].numel(), 1, rows.width)
        context = value.new_empty(flat.shape[0], value.shape[-1])
        for chosen, places in rows.chunks():
            context[chosen] = torch.bmm(flat[chosen], rows.fetch(places)).squeeze(1)
        return context.view(*index.shape[:3], value.shape[-1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, value, index = ctx.saved_tensors
        rows = _Rows(value, index)
        flat = weights.reshape(index.shape[:3].numel(), rows.width)
        outer = gradients[0].reshape(len(flat), value.shape[-1])
        to_weights, to_table = torch.empty_like(flat), rows.empty_gradient()
        for chosen, places in rows.chunks():
            part = outer[chosen]
            to_weights[chosen] = torch.bmm(rows.fetch(places), part[:, :, None]).squeeze(2)
            shares = flat[chosen][:, :, None] * part[:, None]
            to_table.index_add_(0, places, shares.flatten(0, 1).to(to_table.dtype))
        return to_weights.view(weights.shape), to_table.to(value.dtype).view(value.shape), None

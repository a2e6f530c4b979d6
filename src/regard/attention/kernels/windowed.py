"""The windowed kernel: chunks of queries, each against the run of keys that its windows reach.

Within fixed windows (Window, local-m), time and memory are O(queries × window) in both directions.
Without a window it still goes chunk by chunk, skips what Causal hides, and computes the weights again in
the backward instead of holding [queries × keys] of them; a chunk's dropout is drawn again from its seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.attention.dropout import dropped_levels
from regard.attention.kernels.short import read, read_backward, scaled_bmm
from regard.attention.problem import Problem, Solution, bias_of

SMALLEST_CHUNK = 32
LARGEST_CHUNK = 128


def windowed(problem: Problem) -> Solution:
    """A product score, softmax, no Gaussian."""
    context: Tensor = _Windowed.apply(problem.query, problem.key, problem.value, problem.outlined())  # type: ignore[no-untyped-call]
    return Solution(context)


class _Chunk(NamedTuple):
    """What the backward of a chunk needs."""

    weights: Tensor
    keep: Tensor | None
    dead: Tensor | None


class _Chunks:
    """The chunks of a call. Query heads that share a key head are rows of one product."""

    def __init__(self, problem: Problem, query: Tensor, key: Tensor, value: Tensor, seed: int) -> None:
        self.batch, self.heads, self.queries, _ = query.shape
        self.problem = problem
        self.shared, self.group = key.shape[0] * key.shape[1], query.shape[1] // key.shape[1]
        self.query = self.grouped(query)
        self.key, self.value = (
            key.reshape(self.shared, *key.shape[2:]),
            value.reshape(self.shared, *value.shape[2:]),
        )
        self.dropped = dropped_levels(problem.dropout)
        self._masks = _Masks(problem)
        self._seed = seed

    def grouped(self, x: Tensor) -> Tensor:
        """[batch, heads, …] to [batch · kv_heads, heads that share a key head, …]."""
        return x.reshape(self.shared, self.group, *x.shape[2:])

    def runs(self) -> Iterator[tuple[slice, slice]]:
        """Runs of queries with the run of keys that each can reach; those that reach none are left out."""
        keys = self.key.shape[1]
        size = min(max(self.problem.scope.span(keys), SMALLEST_CHUNK), LARGEST_CHUNK)
        for start in range(0, self.queries, size):
            stop = min(start + size, self.queries)
            first = self.problem.first
            near = self.problem.scope.reach(first + start, first + stop - 1, keys)
            if near:
                yield slice(start, stop), slice(near.start, near.stop)

    def rows(self, x: Tensor, chosen: slice) -> Tensor:
        """The chosen queries of a grouped tensor as [batch · kv_heads, rows of all its heads, …]."""
        part = x[:, :, chosen]
        return part.reshape(self.shared, part.shape[1] * part.shape[2], x.shape[-1])

    def read(self, chosen: slice, near: slice) -> tuple[Tensor, _Chunk]:
        """A chunk's context, as :meth:`rows`, and what its backward needs."""
        key = self.key[:, near]
        scores = scaled_bmm(self.rows(self.query, chosen), key.transpose(1, 2), self.problem.scale)
        bias, dead = self._masks.of(chosen, near)
        rows = (self.batch, self.heads, chosen.stop - chosen.start)
        if bias is not None:
            scores.view(*rows, near.stop - near.start).add_(bias)
        generator = None
        if self.dropped:
            generator = torch.Generator(scores.device).manual_seed(self._seed + chosen.start)
        context, weights, keep = read(scores, self.value[:, near], self.dropped, generator)
        if dead is not None:
            context.view(*rows, context.shape[-1]).masked_fill_(dead, 0.0)
        return context, _Chunk(weights, keep, dead)


class _Windowed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, problem: Problem) -> Tensor:
        seed = int(torch.randint(2**48, ())) if problem.dropout else 0
        work = _Chunks(problem, query, key, value, seed)
        hold = problem.scope.span(key.shape[2]) < key.shape[2]  # within a window the weights are few
        context = value.new_zeros(work.query.shape[:3] + value.shape[3:])
        held: list[Tensor | None] = []
        for chosen, near in work.runs():
            read_, chunk = work.read(chosen, near)
            part = context[:, :, chosen]
            part.copy_(read_.view(part.shape))
            if hold:
                held += chunk
        ctx.save_for_backward(query, key, value, *held)
        ctx.problem, ctx.seed = problem, seed
        return context.view(*query.shape[:3], value.shape[-1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, *held = ctx.saved_tensors
        scale = ctx.problem.scale
        work = _Chunks(ctx.problem, query, key, value, ctx.seed)
        outer = work.grouped(gradients[0])
        to_query = torch.zeros_like(work.query)
        # A key gets its gradient chunk by chunk, and two-byte sums forget what is small beside them.
        wide = torch.promote_types(key.dtype, torch.float32)
        to_key, to_value = (torch.zeros_like(x, dtype=wide) for x in (work.key, work.value))
        # What was kept has no derivatives: where they are wanted, all is made again.
        kept = bool(held) and not torch.is_grad_enabled()
        for place, (chosen, near) in enumerate(work.runs()):
            if kept:
                weights, keep, dead = held[3 * place : 3 * place + 3]
            else:
                weights, keep, dead = work.read(chosen, near)[1]
            part = work.rows(outer, chosen)
            if dead is not None:
                rows = (work.batch, work.heads, chosen.stop - chosen.start, part.shape[-1])
                alive = part.view(rows).masked_fill(dead, 0.0)
                part = alive.view(part.shape)
            to_scores, of_value = read_backward(part, weights, keep, work.value[:, near], work.dropped)
            of_query = scaled_bmm(to_scores, work.key[:, near], scale)
            to_query[:, :, chosen] = of_query.view(to_query[:, :, chosen].shape)
            to_key[:, near] += scaled_bmm(to_scores.transpose(1, 2), work.rows(work.query, chosen), scale)
            to_value[:, near] += of_value
        of_key, of_value = to_key.to(key.dtype), to_value.to(value.dtype)
        return to_query.view(query.shape), of_key.view(key.shape), of_value.view(value.shape), None


class _Masks:
    """The additive mask of a chunk; chunks that lie alike under scopes of position share one."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._known: dict[tuple[int, int, int], tuple[Tensor | None, Tensor | None]] = {}

    def of(self, chosen: slice, near: slice) -> tuple[Tensor | None, Tensor | None]:
        """What to add to the scores, and the rows without a key."""
        problem = self._problem
        rows, run = range(chosen.start, chosen.stop), range(near.start, near.stop)
        place = rows.start - run.start, len(rows), len(run)
        if place in self._known:
            return self._known[place]
        bias, dead = bias_of(problem, problem.block(rows, run))
        if problem.scope.positional:
            self._known[place] = bias, dead
        return bias, dead

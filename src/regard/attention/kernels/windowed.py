"""The windowed kernel: chunks of queries, each against the run of keys that its windows reach.

Time and memory are O(queries × window) in both directions, for every window whose place is known beforehand
(fixed and local-m windows). Windows that each query predicts are served by :mod:`.predicted`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from regard.attention.dropout import dropped_levels
from regard.attention.kernels.short import additive_mask, product, read, read_backward
from regard.attention.problem import Problem, Solution, dead_rows

SMALLEST_CHUNK = 32
LARGEST_CHUNK = 256


def windowed(problem: Problem) -> Solution:
    """A product score, softmax, no Gaussian."""
    context: Tensor = _Windowed.apply(problem.query, problem.key, problem.value, problem)  # type: ignore[no-untyped-call]
    return Solution(context)


def chunks(problem: Problem) -> Iterator[tuple[range, range]]:
    """Runs of queries with the run of keys that each can reach (perhaps none)."""
    queries, keys = problem.query.shape[2], problem.key.shape[2]
    size = min(max(problem.scope.span(keys), SMALLEST_CHUNK), LARGEST_CHUNK)
    for start in range(0, queries, size):
        rows = range(start, min(start + size, queries))
        yield rows, problem.scope.reach(problem.first + rows.start, problem.first + rows.stop - 1, keys)


class _Windowed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, problem: Problem) -> Tensor:
        batch, heads, queries, _ = query.shape
        q, k, v = _flat(query, key), _flat(key, key), _flat(value, key)
        masks = _Masks(problem)
        dropped = dropped_levels(problem.dropout)
        context = q.new_zeros(batch * key.shape[1], heads // key.shape[1], queries, value.shape[-1])
        saved: list[Tensor | None] = []
        for rows, run in chunks(problem):
            if not run:
                saved += [None, None, None]
                continue
            part = q[:, :, rows.start : rows.stop]
            flat = part.reshape(part.shape[0], -1, part.shape[-1])
            near = k[:, 0, run.start : run.stop]
            scores = product(flat, near.transpose(1, 2), problem.scale)
            bias, dead = masks.of(rows, run)
            if bias is not None:
                scores.view(batch, heads, len(rows), len(run)).add_(bias)
            read_, weights, keep = read(scores, v[:, 0, run.start : run.stop], dropped)
            if dead is not None:
                read_.view(batch, heads, len(rows), -1).masked_fill_(dead, 0.0)
            context[:, :, rows.start : rows.stop] = read_.view(*part.shape[:3], -1)
            saved += [weights, keep, dead]
        ctx.save_for_backward(query, key, value, *saved)
        ctx.problem, ctx.dropped = problem, dropped
        return context.view(batch, heads, queries, -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, *saved = ctx.saved_tensors
        problem: Problem = ctx.problem
        batch, heads = query.shape[:2]
        q, k, v, outer = _flat(query, key), _flat(key, key), _flat(value, key), _flat(gradients[0], key)
        to_query, to_key, to_value = torch.zeros_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for place, (rows, run) in enumerate(chunks(problem)):
            weights, keep, dead = saved[3 * place : 3 * place + 3]
            if weights is None:
                continue
            chosen, near = slice(rows.start, rows.stop), slice(run.start, run.stop)
            part = outer[:, :, chosen]
            if dead is not None:
                part = part.reshape(batch, heads, len(rows), -1).masked_fill(dead, 0.0)
            flat = part.reshape(q.shape[0], -1, v.shape[-1])
            to_scores, of_value = read_backward(flat, weights, keep, v[:, 0, near], ctx.dropped)
            to_query[:, :, chosen] = product(to_scores, k[:, 0, near], problem.scale).view(
                *q[:, :, chosen].shape
            )
            rows_of = q[:, :, chosen].reshape(q.shape[0], -1, q.shape[-1])
            to_key[:, 0, near] += product(to_scores.transpose(1, 2), rows_of, problem.scale)
            to_value[:, 0, near] += of_value
        return to_query.view(query.shape), to_key.view(key.shape), to_value.view(value.shape), None


def _flat(x: Tensor, key: Tensor) -> Tensor:
    """[batch, heads, n, dim] to [batch · kv_heads, heads that share a key head, n, dim]."""
    return x.reshape(key.shape[0] * key.shape[1], -1, *x.shape[2:])


class _Masks:
    """The additive mask of a chunk; chunks that lie alike under plain windows share one."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._known: dict[tuple[int, int, int], tuple[Tensor | None, Tensor | None]] = {}

    def of(self, rows: range, run: range) -> tuple[Tensor | None, Tensor | None]:
        """What to add to the scores, and the rows without a key."""
        place = (rows.start - run.start, len(rows), len(run))
        if self._problem.scope.positional and place in self._known:
            return self._known[place]
        problem = self._problem
        block = problem.block(rows, run)
        allowed = problem.scope.allowed(block)
        dead = dead_rows(allowed, problem.scope, block)
        bias = additive_mask(allowed, problem.query.dtype)
        penalty = problem.penalty(block)
        if penalty is not None:
            bias = penalty if bias is None else bias + penalty
        self._known[place] = bias, dead
        return bias, dead

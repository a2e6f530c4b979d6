"""The additive kernel: Bahdanau's score without a [queries × keys × hidden] tensor.

Work goes block by block (some rows of the batch, some queries, a run of keys), small enough to stay in
the processor's cache. A softmax runs along over the keys as in FlashAttention (Dao et al. 2022,
algorithm 1), so that no [queries × keys] tensor is held either; the backward computes each block again.
Other selections need whole rows of scores: these alone are held, the hidden layer is not.
Hidden layer and running softmax are float32 or wider.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from regard.attention.dropout import drop_scale, dropout, dropped_levels, keep_mask
from regard.attention.kernels.reference import per_head, weigh
from regard.attention.problem import Problem, Solution

BLOCK_ELEMENTS = 1 << 18
"""Elements of the hidden layer that are held at once."""


def additive(problem: Problem) -> Solution:
    """An additive score with anything."""
    heads = problem.query.shape[1]
    assert problem.vector is not None
    query, key = problem.query, per_head(problem.key, heads)
    value = per_head(problem.value, heads)
    vector = problem.vector.expand(heads, -1)
    learned = problem.slopes is not None and problem.slopes.requires_grad
    if problem.selection.family == "soft" and problem.predictive is None and not learned:
        context = _Streamed.apply(query, key, value, vector, problem)  # type: ignore[no-untyped-call]
        return Solution(context)
    weights, log_probability = weigh(problem, additive_scores(query, key, vector).to(query.dtype))
    context = torch.matmul(dropout(weights, problem.dropout), value)
    return Solution(context, weights, log_probability)


def additive_scores(query: Tensor, key: Tensor, vector: Tensor) -> Tensor:
    """vector · tanh(query + key): [batch, heads, queries, keys], float32 or wider.

    Args:
        query: [batch, heads, queries, hidden].
        key: [batch, heads, keys, hidden].
        vector: [heads, hidden].
    """
    return _Scores.apply(query, key, vector)  # type: ignore[no-any-return, no-untyped-call]


class _Blocks:
    """How the [batch, queries, keys] work is cut."""

    def __init__(self, query: Tensor, keys: int, rows_at_most: int) -> None:
        batch, heads, queries, hidden = query.shape
        budget = max(1, BLOCK_ELEMENTS // (heads * hidden))
        self.keys = max(1, min(keys, budget))
        self.rows = max(1, min(queries, budget // self.keys, rows_at_most))
        self.items = max(1, min(batch, budget // (self.keys * self.rows)))
        self._batch, self._queries = batch, queries

    def outer(self) -> Iterator[tuple[slice, range]]:
        """Runs of the batch and of the queries."""
        for item in range(0, self._batch, self.items):
            for row in range(0, self._queries, self.rows):
                yield slice(item, item + self.items), range(row, min(row + self.rows, self._queries))

    def inner(self, reach: range) -> Iterator[range]:
        """Runs of the keys within reach."""
        for key in range(reach.start, reach.stop, self.keys):
            yield range(key, min(key + self.keys, reach.stop))


def _hidden(query: Tensor, key: Tensor) -> Tensor:
    return torch.add(query[:, :, :, None, :], key[:, :, None, :, :]).tanh_()


def _score(hidden: Tensor, vector: Tensor) -> Tensor:
    batch, heads, rows, keys, size = hidden.shape
    flat = hidden.view(batch, heads, rows * keys, size)
    return torch.matmul(flat, vector[:, :, None]).view(batch, heads, rows, keys)


def _score_backward(hidden: Tensor, vector: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of query, key and vector from those of the scores; overwrites `hidden`.

    With t = tanh(…), d score = vector · (1 - t²), so a sum of gradients minus sums of gradient · t² is all.
    """
    batch, heads, rows, keys, size = hidden.shape
    flat = gradient.reshape(batch, heads, 1, rows * keys)
    to_vector = torch.matmul(flat, hidden.view(batch, heads, rows * keys, size)).sum((0, 2))
    hidden.square_()
    squares = torch.matmul(gradient[:, :, :, None, :], hidden).squeeze(3)
    to_query = (gradient.sum(3)[..., None] - squares) * vector[:, None, :]
    squares = hidden.mul_(gradient[..., None]).sum(2)
    to_key = (gradient.sum(2)[..., None] - squares) * vector[:, None, :]
    return to_query, to_key, to_vector


def _wide(*tensors: Tensor) -> list[Tensor]:
    return [x.to(torch.promote_types(x.dtype, torch.float32)) for x in tensors]


class _Scores(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, vector: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, vector)
        query, key, vector = _wide(query, key, vector)
        scores = query.new_empty(*query.shape[:3], key.shape[2])
        blocks = _Blocks(query, key.shape[2], query.shape[2])
        for items, rows in blocks.outer():
            for run in blocks.inner(range(key.shape[2])):
                hidden = _hidden(query[items, :, _slice(rows)], key[items, :, _slice(run)])
                scores[items, :, _slice(rows), _slice(run)] = _score(hidden, vector)
        return scores

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        saved: tuple[Tensor, ...] = ctx.saved_tensors
        query, key, vector = _wide(*saved)
        to_query, to_key, to_vector = (torch.zeros_like(x) for x in (query, key, vector))
        blocks = _Blocks(query, key.shape[2], query.shape[2])
        for items, rows in blocks.outer():
            for run in blocks.inner(range(key.shape[2])):
                hidden = _hidden(query[items, :, _slice(rows)], key[items, :, _slice(run)])
                part = gradients[0][items, :, _slice(rows), _slice(run)]
                of_query, of_key, of_vector = _score_backward(hidden, vector, part)
                to_query[items, :, _slice(rows)] += of_query
                to_key[items, :, _slice(run)] += of_key
                to_vector += of_vector
        return tuple(to.to(x.dtype) for to, x in zip((to_query, to_key, to_vector), saved, strict=True))


class _Streamed(torch.autograd.Function):
    """softmax(additive scores) · value, with a running softmax over the keys."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, vector: Tensor, problem: Problem
    ) -> Tensor:
        work = _Work(query, key, vector, problem)
        context = work.query.new_zeros(*query.shape[:3], value.shape[-1])
        log_sum = work.query.new_zeros(query.shape[:3])
        dropped = dropped_levels(problem.dropout)
        keep = keep_mask(torch.Size((*query.shape[:3], key.shape[2])), dropped) if dropped else None
        for items, rows in work.blocks.outer():
            highest = log_sum.new_full(log_sum[items, :, _slice(rows)].shape, work.lowest)
            total = torch.zeros_like(highest)
            read = torch.zeros_like(context[items, :, _slice(rows)])
            seen = torch.zeros((), dtype=torch.bool, device=query.device)
            for run in work.blocks.inner(work.reach(rows)):
                _, scores, allowed = work.scores(items, rows, run)
                seen = seen | (torch.ones_like(seen) if allowed is None else allowed.any(-1))
                peak = torch.maximum(highest, scores.amax(-1))
                weights = torch.exp(scores - peak[..., None])
                fade = torch.exp(highest - peak)
                total = total * fade + weights.sum(-1)
                if keep is not None:
                    weights = weights * keep[items, :, _slice(rows), _slice(run)]
                now = torch.matmul(weights.to(value.dtype), value[items, :, _slice(run)])
                read = read * fade[..., None] + now
                highest = peak
            read = read * (drop_scale(dropped) / total.clamp_(min=torch.finfo(total.dtype).tiny))[..., None]
            context[items, :, _slice(rows)] = read.masked_fill_(~seen[..., None], 0.0)
            # A row without keys gets weights exp(score - inf) = 0 in the backward.
            log_sum[items, :, _slice(rows)] = (highest + total.log()).masked_fill_(~seen, torch.inf)
        ctx.save_for_backward(query, key, value, vector, context, log_sum, keep)
        ctx.problem, ctx.dropped = problem, dropped
        return context.to(value.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, vector, context, log_sum, keep = ctx.saved_tensors
        work = _Work(query, key, vector, ctx.problem)
        outer = gradients[0]
        rescale = drop_scale(ctx.dropped)
        mean = (outer * context).sum(-1)  # Σ weight · gradient of the weight, for the softmax's backward
        to_query, to_key, to_value, to_vector = (
            torch.zeros_like(x) for x in (work.query, work.key, value, work.vector)
        )
        for items, rows in work.blocks.outer():
            chosen = (items, slice(None), _slice(rows))
            for run in work.blocks.inner(work.reach(rows)):
                hidden, scores, _ = work.scores(items, rows, run)
                weights = torch.exp(scores - log_sum[chosen][..., None])
                from_value = torch.matmul(outer[chosen], value[items, :, _slice(run)].transpose(2, 3)).to(
                    weights.dtype
                )
                kept = weights
                if keep is not None:
                    part = keep[items, :, _slice(rows), _slice(run)]
                    kept = weights * part * rescale
                    from_value = from_value * part * rescale
                to_value[items, :, _slice(run)] += torch.matmul(
                    kept.to(outer.dtype).transpose(2, 3), outer[chosen]
                )
                to_scores = weights * (from_value - mean[chosen][..., None])
                of_query, of_key, of_vector = _score_backward(hidden, work.vector, to_scores)
                to_query[chosen] += of_query
                to_key[items, :, _slice(run)] += of_key
                to_vector += of_vector
        return (
            to_query.to(query.dtype),
            to_key.to(key.dtype),
            to_value,
            to_vector.to(vector.dtype),
            None,
        )


class _Work:
    """Scores of a block, masked, for both directions of :class:`_Streamed`."""

    def __init__(self, query: Tensor, key: Tensor, vector: Tensor, problem: Problem) -> None:
        self.query, self.key, self.vector = _wide(query, key, vector)
        self.problem = problem
        self.lowest = torch.finfo(self.query.dtype).min
        keys = key.shape[2]
        span = problem.scope.span(keys)
        # Rows of one block share a run of keys, so within a window few rows are taken at once.
        self.blocks = _Blocks(query, min(keys, 2 * span + 16), max(16, span))

    def reach(self, rows: range) -> range:
        first = self.problem.first
        return self.problem.scope.reach(first + rows.start, first + rows.stop - 1, self.key.shape[2])

    def scores(self, items: slice, rows: range, run: range) -> tuple[Tensor, Tensor, Tensor | None]:
        """The hidden layer, the masked scores and the mask of a block."""
        hidden = _hidden(self.query[items, :, _slice(rows)], self.key[items, :, _slice(run)])
        scores = _score(hidden, self.vector)
        block = self.problem.block(rows, run)
        penalty = self.problem.penalty(block)
        if penalty is not None:
            scores = scores + penalty
        allowed = self.problem.scope.allowed(block)
        if allowed is not None:
            if allowed.dim() == 4 and allowed.shape[0] > 1:
                allowed = allowed[items]
            scores = scores.masked_fill_(torch.logical_not(allowed), self.lowest)
        return hidden, scores, allowed


def _slice(run: range) -> slice:
    return slice(run.start, run.stop)

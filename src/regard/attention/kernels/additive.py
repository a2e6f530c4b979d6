"""The additive kernel: Bahdanau's score without a [queries × keys × hidden] tensor.

Work goes block by block (some rows of the batch, one head, some queries, a run of keys), small enough to
stay in the processor's cache. A softmax runs along over the keys as in FlashAttention (Dao et al. 2022,
algorithm 1), so that no [queries × keys] tensor is held either, but for the bytes of dropout; the
backward computes each block again. Other selections need whole rows of scores: these are held then, the
hidden layer still is not. Hidden layer and running softmax are float32 or wider.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.attention.dropout import drop_scale, dropout, dropped_levels, keep_mask
from regard.attention.kernels.hidden import Hidden, Place, pick, span_of
from regard.attention.kernels.reference import per_head, weigh
from regard.attention.once import differentiable_once
from regard.attention.problem import Problem, Solution


def additive(problem: Problem) -> Solution:
    """An additive score with anything."""
    query, key, value = problem.query, problem.key, problem.value
    heads = query.shape[1]
    assert problem.vector is not None
    vector = problem.vector.expand(heads, -1)
    learned = problem.learns_slopes
    if problem.selection.family == "soft" and problem.predictive is None and not learned:
        return Solution(_Streamed.apply(query, key, value, vector, problem.outlined()))  # type: ignore[no-untyped-call]
    weights, log_probability = weigh(problem, additive_scores(query, key, vector))
    kept, value = dropout(weights, problem.dropout).to(value.dtype), per_head(value, heads)
    # With one key each, as in gates over images, a product would be millions of products of 1 × 1.
    context = kept * value if value.shape[2] == 1 else torch.matmul(kept, value)
    return Solution(context, weights, log_probability)


def additive_scores(query: Tensor, key: Tensor, vector: Tensor) -> Tensor:
    """vector · tanh(query + key): [batch, heads, queries, keys].

    They are float32 or wider, but of a single key for one head in the query's dtype.

    Args:
        query: [batch, heads, queries, hidden].
        key: [batch, kv_heads, keys, hidden].
        vector: [heads, hidden].
    """
    if key.shape[2] == 1 and query.shape[1] == 1:
        # The hidden layer of a single key is no larger than the queries: blocks of it would not pay.
        return F.linear(torch.add(query, key).tanh_(), vector.to(query.dtype))
    return _Scores.apply(query, key, vector)  # type: ignore[no-any-return, no-untyped-call]


class _Scores(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, vector: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, vector)
        hidden = Hidden(query, key, vector)
        scores = hidden.query.new_empty(*query.shape[:3], key.shape[2])
        for place in hidden.places():
            for run in hidden.runs(range(key.shape[2])):
                scores[(*place.queries, span_of(run))] = hidden.scores(place, run)[1]
        return scores

    @staticmethod
    @differentiable_once("take kernel='reference'")
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        query, key, vector = ctx.saved_tensors
        hidden = Hidden(query, key, vector)
        for place in hidden.places():
            for run in hidden.runs(range(key.shape[2])):
                gate, _ = hidden.scores(place, run)
                hidden.backward(place, run, gate, gradients[0][(*place.queries, span_of(run))])
        return hidden.gradients()


class _Streamed(torch.autograd.Function):
    """softmax(additive scores) · value, with a running softmax over the keys."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, vector: Tensor, problem: Problem
    ) -> Tensor:
        hidden = Hidden(query, key, vector, problem)
        mask = _Mask(problem, hidden.query.dtype)
        context = hidden.query.new_empty(*query.shape[:3], value.shape[-1])
        log_sum = hidden.query.new_empty(query.shape[:3])
        dropped = dropped_levels(problem.dropout)
        shape = torch.Size((*query.shape[:3], key.shape[2]))
        keep = keep_mask(shape, dropped, query.device) if dropped else None
        for place in hidden.places():
            running = _Running()
            for run in hidden.runs(mask.reach(place.rows)):
                scores, allowed = mask.apply(hidden.scores(place, run)[1], place, run)
                part = None if keep is None else keep[(*place.queries, span_of(run))]
                running.add(scores, allowed, part, value[place.near(value.shape[1], run)])
            context[place.queries], log_sum[place.queries] = running.end(
                drop_scale(dropped), mask.may_be_empty
            )
        ctx.save_for_backward(query, key, value, vector, context, log_sum, keep)
        ctx.problem, ctx.dropped = problem, dropped
        return context.to(value.dtype)

    @staticmethod
    @differentiable_once("take kernel='reference'")
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, vector, context, log_sum, keep = ctx.saved_tensors
        hidden = Hidden(query, key, vector, ctx.problem)
        mask = _Mask(ctx.problem, hidden.query.dtype)
        outer, rescale = gradients[0], drop_scale(ctx.dropped)
        mean = (outer * context).sum(-1)  # Σ weight · gradient of the weight, for the softmax's backward
        # In float32: two-byte sums forget what is small beside them.
        to_value = torch.zeros_like(value, dtype=hidden.query.dtype)
        for place in hidden.places():
            from_row = outer[place.queries]
            for run in hidden.runs(mask.reach(place.rows)):
                gate, scores = hidden.scores(place, run)
                scores, _ = mask.apply(scores, place, run)
                weights = scores.sub_(log_sum[place.queries][..., None]).exp_()
                near = place.near(value.shape[1], run)
                to_scores = torch.matmul(from_row, value[near].mT).to(weights.dtype)
                kept = weights
                if keep is not None:
                    part = keep[(*place.queries, span_of(run))].to(weights.dtype)
                    kept = weights * part * rescale
                    to_scores.mul_(part).mul_(rescale)
                to_value[near] += torch.matmul(kept.to(outer.dtype).mT, from_row)
                to_scores.sub_(mean[place.queries][..., None]).mul_(weights)
                hidden.backward(place, run, gate, to_scores)
        of_query, of_key, of_vector = hidden.gradients()
        return of_query, of_key, to_value.to(value.dtype), of_vector, None


class _Running:
    """A softmax over keys that come run by run, and what it reads."""

    def __init__(self) -> None:
        self._peak: Tensor | None = None
        self._total: Tensor | float = 0.0
        self._read: Tensor | float = 0.0
        self._seen: Tensor | bool = False

    def add(self, scores: Tensor, allowed: Tensor | None, keep: Tensor | None, value: Tensor) -> None:
        """One run: scores [items, rows, run], overwritten, and values [items, run, value_dim]."""
        peak = scores.amax(-1, keepdim=True)
        if self._peak is not None:
            peak = torch.maximum(self._peak, peak)
            fade = torch.exp(self._peak - peak)
            self._total, self._read = self._total * fade, self._read * fade
        weights = scores.sub_(peak).exp_()
        self._peak = peak
        self._total = weights.sum(-1, keepdim=True) + self._total
        if keep is not None:
            weights.mul_(keep.to(weights.dtype))
        self._read = torch.matmul(weights.to(value.dtype), value) + self._read
        self._seen = True if allowed is None else allowed.any(-1, keepdim=True) | self._seen

    def end(self, scale: float, may_be_empty: bool) -> tuple[Tensor | float, Tensor | float]:
        """Context [items, rows, value_dim] and the logarithm of the softmax's sum [items, rows].

        A row without keys has an infinite sum, and so weights exp(score - inf) = 0 in the backward.
        """
        if self._peak is None or not isinstance(self._total, Tensor):
            return 0.0, torch.inf
        context = self._read * (scale / self._total)
        log_sum = self._total.log_().add_(self._peak)
        if may_be_empty and isinstance(self._seen, Tensor):
            unseen = torch.logical_not(self._seen)
            context, log_sum = context.masked_fill(unseen, 0.0), log_sum.masked_fill(unseen, torch.inf)
        return context, log_sum.squeeze(-1)


class _Mask:
    """Scope and ALiBi, a block at a time. The last block's are kept: the next head's are often the same."""

    def __init__(self, problem: Problem, dtype: torch.dtype) -> None:
        self.may_be_empty = problem.scope.may_be_empty(problem.block())
        self._lowest = torch.finfo(dtype).min
        self._problem = problem
        self._last: tuple[range, range] | None = None
        self._allowed: Tensor | None = None
        self._penalty: Tensor | None = None

    def reach(self, rows: range) -> range:
        """The keys that some of the rows may see."""
        first, keys = self._problem.first, self._problem.key.shape[2]
        return self._problem.scope.reach(first + rows.start, first + rows.stop - 1, keys)

    def apply(self, scores: Tensor, place: Place, run: range) -> tuple[Tensor, Tensor | None]:
        """Penalise and mask scores [items, rows, keys] in place; also the mask itself."""
        if self._last != (place.rows, run):
            block = self._problem.block(place.rows, run)
            self._allowed = self._problem.scope.allowed(block)
            self._penalty = self._problem.penalty(block)
            self._last = place.rows, run
        if self._penalty is not None:
            scores.add_(self._penalty[place.head])
        if self._allowed is None:
            return scores, None
        allowed = pick(self._allowed, place.items, place.head)
        return scores.masked_fill_(torch.logical_not(allowed), self._lowest), allowed

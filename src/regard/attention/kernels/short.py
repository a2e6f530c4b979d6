"""The short kernel: product, softmax, product, written out with a backward of its own.

It holds [queries × keys] weights, which at short lengths is the fastest thing to do on a CPU, above all in
bfloat16, where SDPA's backward is several times slower; and it drops weights by bytes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from regard.attention.dropout import drop_scale, dropped_levels, keep_mask, kept
from regard.attention.once import differentiable_once
from regard.attention.problem import Problem, Solution, bias_of


def short(problem: Problem) -> Solution:
    """A product score, softmax, no Gaussian."""
    bias, dead = bias_of(problem, problem.block())
    dropped = dropped_levels(problem.dropout)
    context: Tensor = _Short.apply(problem.query, problem.key, problem.value, problem.scale, bias, dropped)  # type: ignore[no-untyped-call]
    return Solution(context if dead is None else context.masked_fill(dead, 0.0))


class _Short(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float, bias: Tensor | None, dropped: int
    ) -> Tensor:
        batch, heads, queries, dim = query.shape
        kv_heads, keys, value_dim = key.shape[1], key.shape[2], value.shape[3]
        # Query heads that share a key head are rows of one product.
        q = query.reshape(batch * kv_heads, heads // kv_heads * queries, dim)
        k = key.reshape(batch * kv_heads, keys, dim)
        v = value.reshape(batch * kv_heads, keys, value_dim)
        scores = scaled_bmm(q, k.transpose(1, 2), scale)
        if bias is not None:
            scores.view(batch, heads, queries, keys).add_(bias)
        context, weights, keep = read(scores, v, dropped)
        ctx.save_for_backward(q, k, v, weights, keep)
        ctx.scale, ctx.dropped, ctx.shapes = scale, dropped, (query.shape, key.shape, value.shape)
        return context.view(batch, heads, queries, value_dim)

    @staticmethod
    @differentiable_once("take kernel='reference'")
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, weights, keep = ctx.saved_tensors
        outer = gradients[0].reshape(*q.shape[:2], v.shape[-1])
        to_scores, to_value = read_backward(outer, weights, keep, v, ctx.dropped)
        to_query = scaled_bmm(to_scores, k, ctx.scale)
        to_key = scaled_bmm(to_scores.transpose(1, 2), q, ctx.scale)
        of_query, of_key, of_value = ctx.shapes
        return to_query.view(of_query), to_key.view(of_key), to_value.view(of_value), None, None, None


def read(
    scores: Tensor, value: Tensor, dropped: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Context, weights before dropout, and what dropout kept, from scores [n, queries, keys]."""
    weights = torch.softmax(scores, -1)
    if not dropped:
        return torch.bmm(weights, value), weights, None
    keep = keep_mask(weights.shape, dropped, weights.device, generator)
    return scaled_bmm(kept(weights, keep), value, drop_scale(dropped)), weights, keep


def read_backward(
    outer: Tensor, weights: Tensor, keep: Tensor | None, value: Tensor, dropped: int
) -> tuple[Tensor, Tensor]:
    """Gradients of scores and values from that of the context."""
    rescale = drop_scale(dropped)
    factors = None if keep is None else keep.to(weights.dtype)
    read = weights if factors is None else weights * factors
    to_value = scaled_bmm(read.transpose(1, 2), outer, rescale)
    to_weights = scaled_bmm(outer, value.transpose(1, 2), rescale)
    if factors is not None:
        to_weights.mul_(factors)
    to_scores: Tensor = torch.ops.aten._softmax_backward_data(to_weights, weights, -1, weights.dtype)
    return to_scores, to_value


def scaled_bmm(left: Tensor, right: Tensor, scale: float) -> Tensor:
    """scale · left · right, batched; the scale costs nothing inside the product."""
    if scale == 1.0:
        return torch.bmm(left, right)
    shape = (left.shape[0], left.shape[1], right.shape[2])
    return torch.baddbmm(left.new_empty(shape), left, right, beta=0.0, alpha=scale)

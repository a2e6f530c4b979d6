"""The fused kernel: PyTorch's scaled dot product attention, which never holds the weights."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.attention.problem import Problem, Solution
from regard.attention.scopes import Causal


def fused(problem: Problem) -> Solution:
    """A product score, softmax, no Gaussian."""
    query, key, value = problem.query, problem.key, problem.value
    grouped = query.shape[1] != key.shape[1]
    if plainly_causal(problem):
        context = F.scaled_dot_product_attention(
            query,
            key,
            value,
            dropout_p=problem.dropout,
            is_causal=True,
            scale=problem.scale,
            enable_gqa=grouped,
        )
        return Solution(context)
    block = problem.block()
    visible, dead = problem.visible(block)
    mask = _mask(visible, problem.penalty(block))
    context = F.scaled_dot_product_attention(
        query, key, value, mask, dropout_p=problem.dropout, scale=problem.scale, enable_gqa=grouped
    )
    return Solution(context if dead is None else context.masked_fill(dead, 0.0))


def plainly_causal(problem: Problem) -> bool:
    """SDPA's own causal mask is aligned at the start, so it serves only as many queries as keys."""
    queries = problem.query.shape[2]
    return (
        isinstance(problem.scope, Causal)
        and problem.slopes is None
        and problem.first == 0
        and queries == problem.key.shape[2]
        and queries > 1
    )


def _mask(visible: Tensor | None, bias: Tensor | None) -> Tensor | None:
    if bias is not None:
        return bias[None] if visible is None else bias[None].masked_fill(~visible, -torch.inf)
    if visible is not None and visible.dim() == 2:
        return visible[None, None]
    return visible

"""The reference kernel: attention written out, for reading and for testing the others against.

It serves everything, in any dtype, and holds [queries × keys] tensors; the additive score even
[queries × keys × hidden].
"""

from __future__ import annotations

import torch
from torch import Tensor

from regard.attention.dropout import dropout
from regard.attention.problem import Problem, Solution


def reference(problem: Problem) -> Solution:
    """Scores, mask, selection, Gaussian, dropout, read-out."""
    weights, log_probability = weigh(problem, scores(problem))
    kept = dropout(weights, problem.dropout)
    return Solution(torch.matmul(kept, per_head(problem.value, weights.shape[1])), weights, log_probability)


def scores(problem: Problem) -> Tensor:
    """How alike each query and each key are: [batch, heads, queries, keys]."""
    query = problem.query
    key = per_head(problem.key, query.shape[1])
    if problem.vector is None:
        return problem.scale * torch.matmul(query, key.transpose(-2, -1))
    hidden = torch.tanh(query[:, :, :, None, :] + key[:, :, None, :, :])
    return torch.matmul(hidden, problem.vector.to(hidden.dtype)[:, None, :, None]).squeeze(-1)


def weigh(
    problem: Problem, scores: Tensor, rows: range | Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Turn scores [batch, heads, rows, keys] into weights, and the log-probability of drawn keys.

    A row without a key gets weights of zero.
    """
    block = problem.block(rows)
    penalty = problem.penalty(block)
    if penalty is not None:
        scores = scores + penalty
    visible, dead = problem.visible(block)
    if visible is not None:
        scores = scores.masked_fill(~visible, -torch.inf)
    weights, log_probability = problem.selection.weigh(scores, problem.training)
    gaussian = problem.gaussian(block)
    if gaussian is not None:
        weights = weights * gaussian
    if dead is not None:
        weights = weights.masked_fill(dead, 0.0)
        if log_probability is not None:
            log_probability = log_probability.masked_fill(dead.squeeze(-1), 0.0)
    return weights, log_probability


def per_head(x: Tensor, heads: int) -> Tensor:
    """Repeat grouped key or value heads: [batch, kv_heads, …] to [batch, heads, …]."""
    groups = heads // x.shape[1]
    return x if groups == 1 else x.repeat_interleave(groups, dim=1)

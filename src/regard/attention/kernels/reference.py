"""The reference kernel: attention written out, for reading and for testing the others against.

It serves everything, in any dtype, and holds [queries × keys] tensors; the additive score even
[queries × keys × hidden].
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from regard.attention.dropout import dropout
from regard.attention.problem import Problem, Solution, dead_rows


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

    A row without a key gets weights of zero: its scores are set to zero first, so that no nan arises that
    a later product with zero could not remove from the gradient.
    """
    block = problem.block(rows)
    penalty = problem.penalty(block)
    if penalty is not None:
        scores = scores + penalty
    allowed = problem.scope.allowed(block)
    dead = dead_rows(allowed, problem.scope, block)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    if dead is not None:
        scores = scores.masked_fill(dead, 0.0)
    weights, log_probability = problem.selection.weigh(scores, problem.training)
    gaussian = problem.gaussian(block)
    if gaussian is not None:
        weights = weights * gaussian
    if dead is not None:
        weights = weights.masked_fill(dead, 0.0)
        if log_probability is not None:
            log_probability = log_probability.masked_fill(dead.squeeze(-1), 0.0)
    return weights, log_probability


def weights_of_rows(problem: Problem, rows: range | Tensor) -> Tensor:
    """Weights of some query rows, [batch, heads, rows, keys], in O(rows × keys), whatever kernel runs."""
    query = problem.query
    chosen = query[:, :, rows.start : rows.stop] if isinstance(rows, range) else query[:, :, rows]
    part = replace(problem, query=chosen)
    return weigh(problem, scores(part), rows)[0]


def per_head(x: Tensor, heads: int) -> Tensor:
    """Repeat grouped key or value heads: [batch, kv_heads, …] to [batch, heads, …]."""
    groups = heads // x.shape[1]
    return x if groups == 1 else x.repeat_interleave(groups, dim=1)

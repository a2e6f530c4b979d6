"""Weights of some query rows only, beside whatever kernel gave the context."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from regard.attention.kernels.additive import additive_scores
from regard.attention.kernels.reference import scores, weigh
from regard.attention.problem import Problem


def weights_of_rows(problem: Problem, rows: range | Tensor) -> Tensor:
    """Weights of some query rows, [batch, heads, rows, keys], in O(rows × keys), whatever the score."""
    query = problem.query
    chosen = query[:, :, rows.start : rows.stop] if isinstance(rows, range) else query[:, :, rows]
    if problem.vector is None:
        found = scores(replace(problem, query=chosen))
    else:
        found = additive_scores(chosen, problem.key, problem.vector.expand(query.shape[1], -1))
    return weigh(problem, found, rows)[0]

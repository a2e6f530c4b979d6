"""Which heads do the same."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def divergence(weights: Tensor) -> Tensor:
    """How unlike heads look, by pairs: their mean Jensen–Shannon divergence (Clark et al. 2019, §6).

    Args:
        weights: [heads, queries, keys]; a row's shares count.

    Returns:
        [heads, heads], in bits: 0 for heads that look alike, 1 for heads that never look at the same key.

    Example:
        >>> divergence(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]]]))
        tensor([[0., 1., 0.],
                [1., 0., 1.],
                [0., 1., 0.]])
    """
    shares = weights / weights.sum(-1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    own = torch.special.entr(shares).sum(-1)
    apart = torch.zeros(len(weights), len(weights), dtype=weights.dtype)
    # A pair at a time: all pairs at once would hold heads × heads × queries × keys.
    for one in range(len(weights)):
        for other in range(one + 1, len(weights)):
            middle = torch.special.entr((shares[one] + shares[other]) / 2).sum(-1)
            bits = (middle - (own[one] + own[other]) / 2).mean() / math.log(2)
            apart[one, other] = apart[other, one] = bits.clamp_min(0.0)
    return apart


def clusters(apart: Tensor, bar: float = 0.1) -> list[int]:
    """Heads that do the same, as the number of each one's cluster, in order of first appearance.

    Clusters grow by the nearest two as long as no two heads of one are farther apart than the bar (complete
    linkage).

    Args:
        apart: [heads, heads], see `divergence`.
        bar: in bits.

    Example:
        >>> clusters(torch.tensor([[0.0, 0.9, 0.05], [0.9, 0.0, 0.8], [0.05, 0.8, 0.0]]))
        [0, 1, 0]
    """
    groups = [[head] for head in range(len(apart))]
    while len(groups) > 1:
        reach, one, other = min(
            (float(apart[groups[a]][:, groups[b]].max()), a, b)
            for a in range(len(groups))
            for b in range(a + 1, len(groups))
        )
        if reach > bar:
            break
        groups[one] += groups.pop(other)
    named = {head: number for number, group in enumerate(sorted(groups, key=min)) for head in group}
    return [named[head] for head in range(len(apart))]

"""Figures of single heads: how even, how far, how sure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def entropy(weights: Tensor) -> Tensor:
    """How evenly each row looks, in bits: 0 for one key, log₂ n for n keys alike.

    Args:
        weights: [..., keys]; of a row that does not sum to one, its shares count.

    Returns:
        [...].

    Example:
        >>> entropy(torch.tensor([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]]))
        tensor([2., 0.])
    """
    nats: Tensor = torch.special.entr(_shares(weights)).sum(-1)
    return nats / math.log(2)


def relative_entropy(weights: Tensor, visible: Tensor) -> Tensor:
    """Entropy as a share of what it could be: of as many keys as the query could see, looked at alike.

    Args:
        weights: [heads, queries, keys].
        visible: [queries, keys], whether a query could see a key.

    Returns:
        [heads, queries], from 0 to 1; not a number where a query saw but one key, and had no choice.

    Example:
        >>> causal = torch.ones(2, 2).tril()
        >>> relative_entropy(torch.tensor([[[1.0, 0.0], [0.5, 0.5]]]), causal > 0)
        tensor([[nan, 1.]])
    """
    possible = visible.sum(-1).to(weights.dtype).log2()
    return entropy(weights) / torch.where(possible > 0, possible, torch.nan)


def mean_distance(weights: Tensor, positions: Sequence[int] | None = None) -> Tensor:
    """How far each row looks: the mean of |position of the query - position of the key|.

    Args:
        weights: [..., queries, keys].
        positions: of the queries; the first ones if not given.

    Returns:
        [..., queries], in positions.

    Example:
        >>> mean_distance(torch.tensor([[0.5, 0.5], [0.5, 0.5]]))
        tensor([0.5000, 0.5000])
    """
    queries, keys = weights.shape[-2:]
    here = torch.tensor(list(range(queries) if positions is None else positions), dtype=weights.dtype)
    apart = (torch.arange(keys, dtype=weights.dtype) - here[:, None]).abs()
    return (_shares(weights) * apart).sum(-1)


def confidence(weights: Tensor) -> Tensor:
    """The largest share of each row (Voita et al. 2019, §4, who leave out what goes to the sentence's end).

    Args:
        weights: [..., keys].

    Example:
        >>> confidence(torch.tensor([0.1, 0.6, 0.3]))
        tensor(0.6000)
    """
    return _shares(weights).amax(-1)


def _shares(weights: Tensor) -> Tensor:
    return weights / weights.sum(-1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)

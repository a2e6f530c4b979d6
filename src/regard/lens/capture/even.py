"""Equal weights on all that a query may see."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from regard.attention import Attended, Dot, Global, Scope, Soft, attend

HIDDEN = -9_999.0
"""A mask that adds so little or less hides a key; what models add to hide is -10,000 or lower."""


def even(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    scope: Scope | None = None,
    first_query: int | None = None,
    dropout: float = 0.0,
    training: bool = False,
    **options: Any,
) -> Attended:
    """What :func:`regard.attention.attend` would give, if a query could not tell its keys apart.

    Score, selection and slopes count no more. The scope does, with all that is its own: local-p's centres
    are still predicted from the query, and its Gaussian still lies around them.

    Args:
        query: [batch, heads, queries, dim].
        key: [batch, kv_heads, keys, dim].
        value: [batch, kv_heads, keys, value_dim].
        scope: as `attend` takes it, as the rest.
        first_query: position of query 0.
        dropout: of the weights.
        training: drop.
        **options: ``rows`` and ``kernel``; all others are passed over.

    Example:
        >>> states = torch.eye(3)[None, None]
        >>> even(states, states, states, rows="all").weights[0, 0, 0]
        tensor([0.3333, 0.3333, 0.3333])
    """
    return attend(
        query,
        value.new_zeros(*value.shape[:3], query.shape[-1]),
        value,
        score=Dot(),
        scope=Global() if scope is None else scope,
        selection=Soft(),
        dropout=dropout,
        first_query=first_query,
        rows=options.get("rows"),
        kernel=options.get("kernel"),
        training=training,
    )


def even_mask(mask: Tensor) -> Tensor:
    """A mask that hides what a mask hides, and prefers nothing among the rest.

    Args:
        mask: of any shape; boolean ones prefer nothing as they are.

    Example:
        >>> even_mask(torch.tensor([0.5, -3.0, -torch.inf]))
        tensor([0., 0., -inf])
    """
    return mask if mask.dtype == torch.bool else torch.where(mask > HIDDEN, 0.0, mask)

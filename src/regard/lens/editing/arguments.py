"""What attention is given, and what it gives, changed head by head."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from regard.lens.capture.edited import Changes
from regard.lens.capture.even import even_mask


def even_dot_product(query: Tensor, mask: Tensor | None, heads: Tensor) -> tuple[Tensor, Tensor | None]:
    """Query and mask of ``scaled_dot_product_attention`` by which some heads weigh all keys alike.

    A query of zeros is alike to every key; the kernel then still is the one that it would have been.

    Args:
        query: [..., heads, queries, dim].
        mask: as the function's.
        heads: true for a head of equal weights; broadcast against the query.

    Example:
        >>> query, _ = even_dot_product(torch.ones(2, 1, 3), None, torch.tensor([True, False])[:, None, None])
        >>> query[:, 0, 0]
        tensor([0., 1.])
    """
    if mask is not None:
        level = even_mask(mask)
        if not torch.equal(level, mask):
            mask = torch.where(heads, level, mask)
    return query.masked_fill(heads, 0.0), mask


def changed_multi_head(given: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """The arguments of ``F.multi_head_attention_forward`` by which it does what is wanted.

    Heads are scaled where the projection behind reads them, by its columns.

    Args:
        given: its arguments, by name.
        changes: of its heads.
    """
    weight = given["out_proj_weight"]
    size = weight.shape[1] // len(changes.factors)
    given = given | {"out_proj_weight": _columns(changes, weight, size)}
    if not any(changes.even):
        return given
    rows = changes.which_even(weight.device).flatten().repeat_interleave(size)
    for name in ("q_proj_weight",) if given["use_separate_proj_weight"] else ("in_proj_weight",):
        given[name] = _zeroed(given[name], rows)
    if given["in_proj_bias"] is not None:
        given["in_proj_bias"] = _zeroed(given["in_proj_bias"], rows)
    return given | _even_masks(given, changes)


def scaled_weights(weights: Tensor, changes: Changes, average: bool) -> Tensor:
    """The weights that multi-head attention returns, with their heads' factors.

    Args:
        weights: [(batch,) heads, queries, keys].
        changes: of its heads.
        average: over heads.
    """
    scaled = changes.scaled(weights)
    return scaled.mean(-3) if average else scaled


def _columns(changes: Changes, weight: Tensor, size: int) -> Tensor:
    """[width, heads · size], each head's columns times its factor."""
    heads = len(changes.factors)
    of_heads = weight.view(-1, heads, size).transpose(0, 1)
    return changes.scaled(of_heads).transpose(0, 1).flatten(1)


def _zeroed(parameter: Tensor, rows: Tensor) -> Tensor:
    """A projection whose first rows, those of queries, are zero for some heads."""
    rows = torch.cat([rows, rows.new_zeros(len(parameter) - len(rows))])
    return parameter.masked_fill(rows.view(-1, *(1,) * (parameter.dim() - 1)), 0.0)


def _even_masks(given: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """Masks that prefer no key, for heads of equal weights; nothing where there are none that do."""
    masks = given["attn_mask"], given["key_padding_mask"]
    if all(mask is None or torch.equal(even_mask(mask), mask) for mask in masks):
        return {}
    heads, query = len(changes.factors), given["query"]
    attention, padding = masks
    queries, keys = query.shape[0], given["key"].shape[0]
    total = torch.zeros(
        query.shape[1] if query.dim() == 3 else 1,
        heads,
        queries,
        keys,
        dtype=query.dtype,
        device=query.device,
    )
    if attention is not None:
        total = total + _added(attention, query).view(-1, heads if attention.dim() == 3 else 1, queries, keys)
    if padding is not None:
        total = total + _added(padding, query).view(-1, 1, 1, keys)
    total = torch.where(changes.which_even(query.device), even_mask(total), total)
    return {"attn_mask": total.flatten(0, 1), "key_padding_mask": None, "is_causal": False}


def _added(mask: Tensor, like: Tensor) -> Tensor:
    """A mask as what is added to scores; where a boolean one is true, nobody may look."""
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask, -torch.inf)

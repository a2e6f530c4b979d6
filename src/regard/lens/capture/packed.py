"""Grouped heads that were put in the place of queries."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from regard.lens.capture.call import Call


def group_packed(query: Tensor, module: nn.Module) -> int:
    """How many query heads of a group lie side by side as if they were queries; 1 where none do.

    Args:
        query: [batch, heads, queries, dim], as scaled dot-product attention is given it.
        module: that gives it; Hugging Face's say ``num_key_value_groups``.
    """
    group: int = getattr(module, "num_key_value_groups", 1)
    heads = getattr(getattr(module, "config", None), "num_attention_heads", None)
    return group if query.shape[2] == group and heads == query.shape[1] * group else 1


def unpacked(call: Call, module: nn.Module) -> Call:
    """Puts heads back where Hugging Face's models took them for queries.

    For a single query they lay the query heads of a group side by side as if they were queries of their
    key head, [batch, kv_heads, group, dim], which saves copying keys.

    Args:
        call: any call.
        module: that made it.
    """
    group = group_packed(call.query, module)
    if group == 1:
        return call
    batch, heads = call.query.shape[0], call.query.shape[1] * group

    def apart(x: Tensor) -> Tensor:
        return x.reshape(batch, heads, 1, x.shape[-1])

    masks = tuple(apart(mask) if mask.shape[1] > 1 else mask for mask in call.masks)
    return replace(call, query=apart(call.query), output=apart(call.output), masks=masks)

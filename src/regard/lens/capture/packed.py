"""Grouped heads that were put in the place of queries."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from regard.lens.capture.call import Call


def unpacked(call: Call, module: nn.Module) -> Call:
    """Puts heads back where Hugging Face's models took them for queries.

    For a single query they lay the query heads of a group side by side as if they were queries of their
    key head, [batch, kv_heads, group, dim], which saves copying keys.

    Args:
        call: any call.
        module: that made it; Hugging Face's say ``num_key_value_groups``.
    """
    group = getattr(module, "num_key_value_groups", 1)
    heads = getattr(getattr(module, "config", None), "num_attention_heads", None)
    batch, kv_heads, queries, _ = call.query.shape
    if group == 1 or queries != group or heads != kv_heads * group:
        return call

    def apart(x: Tensor) -> Tensor:
        return x.reshape(batch, heads, 1, x.shape[-1])

    masks = tuple(apart(mask) if mask.shape[1] > 1 else mask for mask in call.masks)
    return replace(call, query=apart(call.query), output=apart(call.output), masks=masks)

"""Calls of ``scaled_dot_product_attention``."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.lens.capture.call import Call

DOT_PRODUCTS = (
    F.scaled_dot_product_attention,
    torch.ops.aten.scaled_dot_product_attention,
    torch.ops.aten.scaled_dot_product_attention.default,
)
"""The function, by each of its names."""


def dot_product(
    output: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Call:
    """The call that ``scaled_dot_product_attention`` was, of any number of dimensions.

    Args:
        output: what it gave; the rest is what it was given.
        query: [..., queries, dim].
        key: [..., keys, dim].
        value: [..., keys, value_dim].
        attn_mask: as the function's.
        dropout_p: as the function's.
        is_causal: as the function's: counted from the first key.
        scale: as the function's.
        enable_gqa: as the function's; heads tell by themselves.

    Example:
        >>> states = torch.zeros(5, 8)
        >>> call = dot_product(states, states, states, states)
        >>> call.shape, call.scale == 8**-0.5
        ((1, 1, 5, 5), True)
    """
    made = output
    if output.dim() < 4:  # no heads: [batch, queries, dim] or [queries, dim]
        query, key, value, output = (x.unsqueeze(-3) for x in (query, key, value, output))
        if attn_mask is not None and attn_mask.dim() > 2:
            attn_mask = attn_mask.unsqueeze(-3)
    batch = output.shape[:-3]

    def flat(x: Tensor) -> Tensor:
        x = x[(None,) * (3 - x.dim())]
        return x.expand(*batch, *x.shape[-3:]).reshape(prod(batch), *x.shape[-3:])

    masks: tuple[Tensor, ...] = ()
    if attn_mask is not None:
        mask = attn_mask[(None,) * (4 - attn_mask.dim())]
        masks = (flat(mask) if prod(mask.shape[:-3]) > 1 else mask.flatten(0, -4),)
    # Under autocast the arguments were cast on the way in, to what came out.
    query, key, value = (flat(x).to(output.dtype) for x in (query, key, value))
    query = query.expand(-1, output.shape[-3], -1, -1)  # one head may look at the keys of many
    return Call(
        query=query,
        key=key,
        value=value,
        output=flat(output),
        made=made,
        scale=query.shape[-1] ** -0.5 if scale is None else scale,
        masks=masks,
        causal=is_causal,
        drops=dropout_p > 0,
    )

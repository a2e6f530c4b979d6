"""Calls of torch's multi-head attention, whichever way it computes: fast, plain, or with weights.

``nn.MultiheadAttention`` and what is built of it are known by their arguments: what they do inside is then
theirs to choose, and their fast paths stay open.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.lens.capture.block import take
from regard.lens.capture.call import Call


@dataclass(frozen=True, slots=True)
class Projections:
    """The parameters of multi-head attention.

    Attributes:
        heads: how many.
        weights: from states to query, key and value.
        biases: of these.
        output: weight and bias of the projection behind.
        more: [1, 1, width], a key and a value that are learned and put behind all others; or None.
        zero: whether a key and a value of zeros are put behind these.
    """

    heads: int
    weights: tuple[Tensor, Tensor, Tensor]
    biases: tuple[Tensor | None, Tensor | None, Tensor | None]
    output: tuple[Tensor, Tensor | None]
    more: tuple[Tensor, Tensor] | None
    zero: bool

    @classmethod
    def of(cls, given: dict[str, Any]) -> Projections:
        """From the arguments of ``F.multi_head_attention_forward``."""
        bias, more = given["in_proj_bias"], given["bias_k"]
        weights = (
            tuple(given[f"{name}_proj_weight"] for name in "qkv")
            if given["use_separate_proj_weight"]
            else given["in_proj_weight"].chunk(3)
        )
        return cls(
            heads=given["num_heads"],
            weights=weights,
            biases=(None, None, None) if bias is None else bias.chunk(3),
            output=(given["out_proj_weight"], given["out_proj_bias"]),
            more=None if more is None else (more, given["bias_v"]),
            zero=given["add_zero_attn"],
        )


_FUNCTION = inspect.signature(F.multi_head_attention_forward)


def bound(arguments: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call of ``F.multi_head_attention_forward``, by name."""
    given = _FUNCTION.bind(*arguments, **options)
    given.apply_defaults()
    return given.arguments


def of_module(
    module: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> dict[str, Any]:
    """What the module gives on to ``F.multi_head_attention_forward`` on its plain path, by name.

    On its fast path it takes a nested tensor, for self-attention: here that is padded.
    """
    if query.is_nested:
        query, key_padding_mask = _padded(query)
        key = value = query
    if module.batch_first and query.dim() == 3:
        query, key, value = (x.transpose(0, 1) for x in (query, key, value))
    return {
        "query": query,
        "key": key,
        "value": value,
        "num_heads": module.num_heads,
        "in_proj_weight": module.in_proj_weight,
        "in_proj_bias": module.in_proj_bias,
        "bias_k": module.bias_k,
        "bias_v": module.bias_v,
        "add_zero_attn": module.add_zero_attn,
        "dropout_p": module.dropout,
        "out_proj_weight": module.out_proj.weight,
        "out_proj_bias": module.out_proj.bias,
        "training": module.training,
        "key_padding_mask": key_padding_mask,
        "need_weights": need_weights,
        "attn_mask": attn_mask,
        "use_separate_proj_weight": not module._qkv_same_embed_dim,
        "q_proj_weight": module.q_proj_weight,
        "k_proj_weight": module.k_proj_weight,
        "v_proj_weight": module.v_proj_weight,
        "is_causal": is_causal,
    }


def sizes(given: dict[str, Any]) -> tuple[int, int, int]:
    """Batch, queries and keys of a call."""
    query, key = given["query"], given["key"]
    behind = (given["bias_k"] is not None) + bool(given["add_zero_attn"])
    return query.shape[1] if query.dim() == 3 else 1, query.shape[0], key.shape[0] + behind


def multi_head(given: dict[str, Any], made: Tensor, *, batch_first: bool = False) -> Call:
    """The call behind ``F.multi_head_attention_forward``.

    Args:
        given: its arguments by name, states [length, batch, width] or [length, width].
        made: the states that it gave; nested ones are `batch_first`.
        batch_first: these are [batch, length, width], if not [length, width].
    """
    projections = Projections.of(given)
    padding, mask = given["key_padding_mask"], given["attn_mask"]
    output, absent = _padded(made) if made.is_nested else (made, None)
    states = [given[name] for name in ("query", "key", "value")]
    if output.dim() == 2:
        states = [x.unsqueeze(1) for x in states]
        padding = None if padding is None else padding[None]
    # With nothing else to hide, the module believes the hint and leaves the mask alone.
    causal = given["is_causal"] and padding is None and not given["need_weights"]
    query, key, value = (
        F.linear(x, weight, bias)
        for x, weight, bias in zip(states, projections.weights, projections.biases, strict=True)
    )
    key, value, behind = _with_more(key, value, projections)
    return Call(
        query=_apart(query, projections.heads),
        key=_apart(key, projections.heads),
        value=_apart(value, projections.heads),
        output=_rows(output, batch_first)[:, None],
        made=made,
        scale=(query.shape[-1] // projections.heads) ** -0.5,
        masks=_masks(None if causal else mask, padding, projections.heads, behind),
        causal=causal,
        drops=bool(given["training"] and given["dropout_p"] > 0),
        absent=absent,
        behind=lambda context, _: merged(context, projections.output)[:, None],
        before=partial(_before, projections.heads, projections.output[0].detach(), batch_first),
    )


def encoder_layer(
    layer: nn.TransformerEncoderLayer,
    src: Tensor,
    src_mask: Tensor | None = None,
    src_key_padding_mask: Tensor | None = None,
    is_causal: bool = False,
    *,
    output: Tensor,
) -> Call:
    """The attention inside of ``nn.TransformerEncoderLayer``'s fast path, which gives its output only.

    Rows are compared behind the whole layer. Padding that a nested tensor leaves out has no rows.

    Args:
        layer: in evaluation, `batch_first`.
        src: [batch, length, width], nested or not.
        src_mask: as the layer's.
        src_key_padding_mask: as the layer's.
        is_causal: a hint, to which the fast path pays no heed.
        output: what the layer gave.
    """
    absent = None
    if src.is_nested:
        (src, absent), (output, _) = _padded(src), _padded(output)
        src_key_padding_mask = absent
    states = layer.norm1(src) if layer.norm_first else src
    given = of_module(layer.self_attn, states, states, states, src_key_padding_mask, True, src_mask)
    inside = multi_head(given, output, batch_first=True)
    projection = layer.self_attn.out_proj.weight, layer.self_attn.out_proj.bias

    def layers_rows(context: Tensor, rows: Sequence[int]) -> Tensor:
        # Under autocast the states are of another type than the parameters.
        own = layer.linear1.weight.dtype
        x = take(src, 1, rows).to(own) + merged(context, projection).to(own)
        if not layer.norm_first:
            x = layer.norm1(x)
        fed = layer.linear2(layer.activation(layer.linear1(layer.norm2(x) if layer.norm_first else x)))
        made: Tensor = x + fed if layer.norm_first else layer.norm2(x + fed)
        return made[:, None]

    return Call(
        query=inside.query,
        key=inside.key,
        value=inside.value,
        output=inside.output,
        made=output,
        scale=inside.scale,
        masks=inside.masks,
        absent=absent,
        behind=layers_rows,
    )


def merged(context: Tensor, output: tuple[Tensor, Tensor | None]) -> Tensor:
    """Contexts of heads [batch, heads, rows, dim] side by side and mixed: [batch, rows, width]."""
    weight, bias = output
    joined = context.transpose(1, 2).flatten(2)
    return F.linear(joined, weight.to(joined.dtype), None if bias is None else bias.to(joined.dtype))


def _padded(nested: Tensor) -> tuple[Tensor, Tensor]:
    """A nested tensor as [batch, length, width], and which of its rows are padding: [batch, length]."""
    lengths = torch.tensor([len(states) for states in nested.unbind()], device=nested.device)
    states = torch.nested.to_padded_tensor(nested, 0.0)
    return states, torch.arange(states.shape[1], device=nested.device) >= lengths[:, None]


def _rows(made: Tensor, batch_first: bool) -> Tensor:
    """What attention gave, in whichever order, as [batch, length, width]."""
    if made.dim() == 2:
        return made[None]
    return made if batch_first else made.transpose(0, 1)


def _before(heads: int, weight: Tensor, batch_first: bool, gradient: Tensor) -> Tensor:
    """From the gradient by what attention gave, behind its projection, to that by the heads' contexts."""
    mixed = _rows(gradient, batch_first)
    contexts = mixed @ weight.to(mixed.dtype)
    return contexts.view(*contexts.shape[:2], heads, -1).transpose(1, 2)


def _apart(x: Tensor, heads: int) -> Tensor:
    length, batch, width = x.shape
    return x.reshape(length, batch, heads, width // heads).permute(1, 2, 0, 3)


def _with_more(key: Tensor, value: Tensor, projections: Projections) -> tuple[Tensor, Tensor, int]:
    """Keys and values with those that stand behind all others, and how many these are."""
    behind = 0
    if projections.more is not None:
        more_key, more_value = (x.expand(1, key.shape[1], -1) for x in projections.more)
        key, value, behind = torch.cat([key, more_key]), torch.cat([value, more_value]), 1
    if projections.zero:
        key, value = (F.pad(x, (0, 0, 0, 0, 0, 1)) for x in (key, value))
        behind += 1
    return key, value, behind


def _masks(mask: Tensor | None, padding: Tensor | None, heads: int, behind: int) -> tuple[Tensor, ...]:
    """The two masks as :class:`Call` takes them, where true means that one may look."""
    masks = []
    if mask is not None:
        masks.append(mask[None, None] if mask.dim() == 2 else mask.view(-1, heads, *mask.shape[1:]))
    if padding is not None:
        masks.append(padding[:, None, None])
    kept = [~one if one.dtype == torch.bool else one for one in masks]
    return tuple(F.pad(one, (0, behind), value=True if one.dtype == torch.bool else 0.0) for one in kept)

"""One step of a Transformer decoder as straight-line code.

One new token a row is little arithmetic: called module by module, with attention that first finds out what
it was asked, a step of a small model spends most of its time in Python. Here the common case is written out,
with the same layers, weights and caches. The modules are the reference it is tested against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, repeat
from operator import contains, itemgetter
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules import module as hooks_of_all

from regard.attention import Attention, Causal, Global, ScaledDot, Soft
from regard.models.text.cache import KeyValues, Source
from regard.models.transformer_layer import Layer
from regard.nn.dropout import Dropout
from regard.nn.feed_forward import ACTIVATIONS, FeedForward
from regard.nn.linear import Linear
from regard.nn.multi_head import CrossAttention, Heads, SelfAttention
from regard.nn.product import multiply
from regard.nn.residual import Residual

Map = Callable[[Tensor], Tensor]
_IS_TRAINING = itemgetter("training")
_KNOWN = {
    Layer,
    SelfAttention,
    CrossAttention,
    Attention,
    FeedForward,
    Residual,
    Linear,
    nn.LayerNorm,
    Dropout,
}


class _Parts(NamedTuple):
    """What a layer does to a tensor, without the modules around."""

    own_norm: Map
    projection: Map
    own_output: Map
    cross_norm: Map
    query: Map
    cross_output: Map
    feed_norm: Map
    inner: Map
    activate: Map
    outer: Map


class StraightStep:
    """Steps layers of scaled dot attention, global and soft, one token a row.

    Args:
        layers: all alike; :meth:`of` makes sure of that.

    Example:
        >>> from regard.models.text.config import ModelConfig
        >>> layer = Layer(ModelConfig(width=8, heads=2), causal=True).eval()
        >>> straight = StraightStep.of([layer])
        >>> straight(torch.zeros(1, 8), KeyValues(1, 1, 2, 5, 4, like=torch.zeros(1)), 0, None).shape
        torch.Size([1, 8])
        >>> _ = layer.train()
        >>> straight.still_serves()
        False
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._heads = layers[0].self_attention.heads
        self._pre = layers[0].self_residual.place == "pre"
        self._layers = [_parts(layer) for layer in layers]
        modules = [module for layer in layers for module in layer.modules()]
        # Flat lists, so that a step can look at all modules in a few microseconds. Torch changes these
        # dictionaries in place and never puts others in their stead.
        self._own = [vars(one) for one in modules]
        self._hooks = [hooks for one in modules for hooks in (one._forward_hooks, one._forward_pre_hooks)]
        self._inside = [one._modules for one in modules if one._modules]
        self._children = [*chain.from_iterable(map(dict.values, self._inside))]

    @classmethod
    def of(cls, layers: Sequence[nn.Module]) -> Self | None:
        """The step of these layers; None where only their modules know what to do.

        So it is while training, for another kind of attention, and where someone who looks inside the model
        has hooked a module, put in one of another class, or given one another `forward`.
        """
        if hooks_of_all._global_forward_hooks or hooks_of_all._global_forward_pre_hooks:
            return None
        common = [layer for layer in layers if isinstance(layer, Layer) and _common(layer)]
        if len(common) < len(layers) or len({_shape(layer) for layer in common}) != 1:
            return None
        return cls(common)

    def still_serves(self) -> bool:
        """Whether, since :meth:`of`, nobody has hooked a module, put in another, or begun to train.

        Nor may a function mode be on: it may change what modules do, such as ``regard.edit``.
        """
        return not (
            torch._C._len_torch_function_stack()
            or any(self._hooks)
            or any(map(_IS_TRAINING, self._own))
            or hooks_of_all._global_forward_hooks
            or hooks_of_all._global_forward_pre_hooks
            or any(map(contains, self._own, repeat("forward")))
            or [*chain.from_iterable(map(dict.values, self._inside))] != self._children
        )

    def __call__(self, x: Tensor, store: KeyValues, used: int, source: Source | None) -> Tensor:
        """The next states.

        Args:
            x: [rows, width], the newest token of each row, embedded.
            store: keys and values of the `used` tokens before; those of this one are added.
            source: what cross-attention reads, if there is one; every row of it has a real token.

        Returns:
            [rows, width], before the final norm.
        """
        pre, heads = self._pre, self._heads
        rows, width = x.shape
        count, shared, dim = heads.count, heads.shared, heads.dim
        grouped = count != shared
        for index, layer in enumerate(self._layers):
            split = layer.projection(layer.own_norm(x) if pre else x).view(rows, count + 2 * shared, dim)
            keys, values = store.extend(index, split[:, count:].view(rows, 2, shared, dim), used)
            read = F.scaled_dot_product_attention(
                split[:, :count].unsqueeze(2), keys, values, enable_gqa=grouped
            )
            x = x + layer.own_output(read.reshape(rows, width))
            if not pre:
                x = layer.own_norm(x)
            if source is not None:
                fold = source.fold
                query = layer.query(layer.cross_norm(x) if pre else x).view(rows // fold, fold, count, dim)
                keys, values = source.layers[index]
                read = F.scaled_dot_product_attention(
                    query.transpose(1, 2), keys, values, source.visible, enable_gqa=grouped
                )
                x = x + layer.cross_output(read.transpose(1, 2).reshape(rows, width))
                if not pre:
                    x = layer.cross_norm(x)
            x = x + layer.outer(layer.activate(layer.inner(layer.feed_norm(x) if pre else x)))
            if not pre:
                x = layer.feed_norm(x)
        return x


def _common(layer: Layer) -> bool:
    cross = layer.cross_attention
    return (
        not layer.training
        and _standard(layer.self_attention.attention, Causal)
        and (cross is None or _standard(cross.attention, Global))
        and all(
            type(module) in _KNOWN
            and "forward" not in vars(module)
            and not module._forward_hooks
            and not module._forward_pre_hooks
            for module in layer.modules()
        )
    )


def _shape(layer: Layer) -> tuple[Heads, str]:
    return layer.self_attention.heads, layer.self_residual.place


def _standard(attention: nn.Module, scope: type) -> bool:
    return (
        type(attention) is Attention
        and type(attention.score) is ScaledDot
        and type(attention.selection) is Soft
        and type(attention.scope) is scope
    )


def _parts(layer: Layer) -> _Parts:
    own, cross, feed = layer.self_attention, layer.cross_attention, layer.feed_forward
    return _Parts(
        _norm(layer.self_residual),
        _product(own.projection),
        _product(own.output),
        _nothing if cross is None else _norm(layer.cross_residual),
        _nothing if cross is None else _product(cross.query),
        _nothing if cross is None else _product(cross.output),
        _norm(layer.feed_forward_residual),
        _product(feed.inner),
        ACTIVATIONS[feed.activation],
        _product(feed.outer),
    )


def _product(layer: nn.Linear) -> Map:
    return partial(multiply, weight=layer.weight, bias=layer.bias)


def _norm(residual: Residual) -> Map:
    norm = residual.norm
    return partial(
        torch.layer_norm,
        normalized_shape=norm.normalized_shape,
        weight=norm.weight,
        bias=norm.bias,
        eps=norm.eps,
    )


def _nothing(x: Tensor) -> Tensor:
    return x

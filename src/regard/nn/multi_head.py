"""Multi-head attention: projections around one attention core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from regard.attention import Attended, AttentionConfig, Global, Scope, build_attention
from regard.nn.linear import linear
from regard.nn.positions import rotate


class LayerOutput(NamedTuple):
    """What a layer with attention gives.

    Attributes:
        states: [batch, length, width].
        log_probability: [batch, length], of the keys that a hard selection drew, over all heads; else None.
    """

    states: Tensor
    log_probability: Tensor | None


def add_log_probability(total: Tensor | None, more: Tensor | None) -> Tensor | None:
    """The log-probability of two independent draws, either of which may not have happened.

    Example:
        >>> import torch
        >>> add_log_probability(torch.tensor(-1.0), None)
        tensor(-1.)
    """
    if total is None or more is None:
        return more if total is None else total
    return total + more


class PositionTerms(NamedTuple):
    """What self-attention must know of positions.

    Attributes:
        rotation: of :class:`~regard.nn.positions.Rotary`, for the queries and keys at hand.
        slopes: of :class:`~regard.nn.positions.Alibi`.
    """

    rotation: tuple[Tensor, Tensor] | None = None
    slopes: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Heads:
    """How a width is shared out.

    Attributes:
        width: of the model.
        count: query heads.
        shared: key and value heads, a divisor of `count`: fewer are grouped (Ainslie et al. 2023).

    Example:
        >>> Heads(512, 8, 2).dim
        64
    """

    width: int
    count: int
    shared: int

    @property
    def dim(self) -> int:
        """Size of a head."""
        return self.width // self.count

    def check(self) -> None:
        """Raise where the width cannot be shared out so.

        Raises:
            ValueError: the width is no multiple of the heads, or these none of the shared heads.
        """
        if self.width % self.count:
            raise ValueError(f"a width of {self.width} cannot be shared by {self.count} heads")
        if self.count % self.shared:
            raise ValueError(f"{self.count} query heads cannot share {self.shared} key and value heads")


_EVERYWHERE = Global()
_NO_TERMS = PositionTerms()


class SelfAttention(nn.Module):
    """Every position attends to the positions of its own sequence (Vaswani et al. 2017, §3.2.2).

    Query, key and value come from one fused projection, in this order.

    Args:
        heads: how the width is shared out.
        config: score, scope and selection.
        dropout: of the weights.
        causal: no position looks ahead.

    Raises:
        ValueError: heads that do not divide the width, or a senseless combination.

    Example:
        >>> import torch
        >>> layer = SelfAttention(Heads(8, 2, 1), AttentionConfig(), causal=True)
        >>> layer(torch.zeros(3, 5, 8)).states.shape
        torch.Size([3, 5, 8])
    """

    def __init__(
        self, heads: Heads, config: AttentionConfig, *, dropout: float = 0.0, causal: bool = False
    ) -> None:
        super().__init__()
        heads.check()
        self.heads = heads
        self.projection = linear(heads.width, (heads.count + 2 * heads.shared) * heads.dim)
        self.attention = build_attention(
            config,
            query_dim=heads.dim,
            key_dim=heads.dim,
            heads=heads.count,
            dropout=dropout,
            causal=causal,
        )
        self.output = linear(heads.width, heads.width)

    def forward(
        self,
        x: Tensor,
        scope: Scope = _EVERYWHERE,
        terms: PositionTerms = _NO_TERMS,
        past: tuple[Tensor, Tensor, int] | None = None,
    ) -> LayerOutput:
        """Attend within x [batch, length, width].

        Args:
            x: the sequence, or its newest part.
            scope: padding, documents, …, beside the layer's own scope.
            terms: positions, if they enter here.
            past: caches of keys and values [batch, kv_heads, max_length, dim], and how much of them is used:
                the keys and values of `x` are written behind that, and `x` attends to all.
        """
        count, shared, dim = self.heads.count, self.heads.shared, self.heads.dim
        batch, length, _ = x.shape
        split = self.projection(x).view(batch, length, count + 2 * shared, dim).transpose(1, 2)
        if terms.rotation is not None:
            turned = rotate(split[:, : count + shared], terms.rotation)
            query, key, value = turned[:, :count], turned[:, count:], split[:, count + shared :]
        else:
            query, key, value = split.split([count, shared, shared], 1)
        if past is not None:
            keys, values, used = past
            keys[:, :, used : used + length] = key
            values[:, :, used : used + length] = value
            key, value = keys[:, :, : used + length], values[:, :, : used + length]
        seen: Attended = self.attention(query, key, value, scope=scope, slopes=terms.slopes)
        return _merge(seen, self.output)


class CrossAttention(nn.Module):
    """A decoder attends to what an encoder made (Vaswani et al. 2017, §3.2.3).

    Keys and values come from one fused projection, :meth:`remember`, done once for a whole decoding.

    Args:
        heads: how the width is shared out.
        config: score, scope and selection.
        dropout: of the weights.

    Raises:
        ValueError: heads that do not divide the width, or a senseless combination.

    Example:
        >>> import torch
        >>> layer = CrossAttention(Heads(8, 2, 2), AttentionConfig(score="additive"))
        >>> keys, values = layer.remember(torch.zeros(3, 7, 8))
        >>> layer(torch.zeros(3, 5, 8), keys, values).states.shape
        torch.Size([3, 5, 8])
    """

    def __init__(self, heads: Heads, config: AttentionConfig, *, dropout: float = 0.0) -> None:
        super().__init__()
        heads.check()
        self.heads = heads
        self.query = linear(heads.width, heads.width)
        self.memory = linear(heads.width, 2 * heads.shared * heads.dim)
        self.attention = build_attention(
            config, query_dim=heads.dim, key_dim=heads.dim, heads=heads.count, dropout=dropout
        )
        self.output = linear(heads.width, heads.width)

    def remember(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Keys, prepared for the score, and values, each [batch, kv_heads, source, dim].

        A score with parameters by head prepares grouped keys for each of the heads.

        Args:
            states: [batch, source, width].
        """
        batch, length, _ = states.shape
        shared, dim = self.heads.shared, self.heads.dim
        key, value = self.memory(states).view(batch, length, 2 * shared, dim).transpose(1, 2).split(shared, 1)
        return self.attention.score.prepare(key), value

    def forward(
        self,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        scope: Scope = _EVERYWHERE,
        first_query: int | None = None,
        fold: int = 1,
    ) -> LayerOutput:
        """Attend from x [batch, length, width] to what :meth:`remember` gave.

        Args:
            x: the decoder's states.
            keys: prepared keys.
            values: values.
            scope: padding of the source.
            first_query: target position of x[:, 0].
            fold: so many neighbouring rows of `x`, of length 1, read one row of the memory: hypotheses of one
                beam.
        """
        batch, length, _ = x.shape
        count, dim = self.heads.count, self.heads.dim
        query = self.query(x).view(batch // fold, length * fold, count, dim).transpose(1, 2)
        seen: Attended = self.attention(
            query, keys, values, scope=scope, first_query=first_query, prepared=True
        )
        read = _merge(seen, self.output)
        if fold == 1:
            return read
        drawn = read.log_probability
        return LayerOutput(
            read.states.view(batch, length, -1), None if drawn is None else drawn.view(batch, length)
        )


def _merge(seen: Attended, output: nn.Linear) -> LayerOutput:
    """Put heads side by side again and mix them."""
    states: Tensor = output(seen.context.transpose(1, 2).flatten(2))
    drawn = seen.log_probability
    return LayerOutput(states, None if drawn is None else drawn.sum(1))

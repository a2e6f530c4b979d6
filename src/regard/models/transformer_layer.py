"""A Transformer layer (Vaswani et al. 2017, §3.1)."""

from __future__ import annotations

from torch import Tensor, nn

from regard.attention import AttentionConfig, Global, Scope
from regard.models.layer_config import LayerConfig
from regard.nn.feed_forward import FeedForward
from regard.nn.multi_head import (
    CrossAttention,
    Heads,
    LayerOutput,
    PositionTerms,
    SelfAttention,
    add_log_probability,
)
from regard.nn.residual import Residual

_EVERYWHERE = Global()
_NO_TERMS = PositionTerms()


class Layer(nn.Module):
    """Self-attention, cross-attention if it is a decoder's, feed-forward; a residual connection around each.

    Args:
        config: the dials.
        causal: no position looks ahead.
        cross: score, scope and selection of cross-attention, if there is one.
        drop_path: probability with which a row goes without a sub-layer while training.

    Example:
        >>> import torch
        >>> layer = Layer(LayerConfig(width=8, heads=2), causal=False)
        >>> layer(torch.zeros(2, 3, 8)).states.shape
        torch.Size([2, 3, 8])
    """

    def __init__(
        self,
        config: LayerConfig,
        *,
        causal: bool,
        cross: AttentionConfig | None = None,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        heads = Heads(config.width, config.heads, config.kv_heads or config.heads)
        self.self_attention = SelfAttention(
            heads, config.self_attention, dropout=config.weight_dropout, causal=causal
        )
        self.self_residual = _residual(config, drop_path)
        self.cross_attention: CrossAttention | None = None
        if cross is not None:
            self.cross_attention = CrossAttention(heads, cross, dropout=config.weight_dropout)
            self.cross_residual = _residual(config, drop_path)
        self.feed_forward = FeedForward(
            config.width, config.hidden, config.activation, config.activation_dropout
        )
        self.feed_forward_residual = _residual(config, drop_path)

    def forward(
        self,
        x: Tensor,
        scope: Scope = _EVERYWHERE,
        terms: PositionTerms = _NO_TERMS,
        past: tuple[Tensor, Tensor, int] | None = None,
        source: tuple[Tensor, Tensor, Scope] | None = None,
        first: int = 0,
        fold: int = 1,
    ) -> LayerOutput:
        """Run on x [batch, length, width].

        Args:
            x: the sequence, or its newest part, which starts at position `first`.
            scope: of self-attention.
            terms: positions, if they enter attention.
            past: caches of self-attention.
            source: keys, values and scope of cross-attention.
            first: position of x[:, 0].
            fold: rows that share a row of the source.
        """
        seen = self.self_attention(self.self_residual.enter(x), scope, terms, past)
        x, drawn = self.self_residual.leave(x, seen.states), seen.log_probability
        if self.cross_attention is not None and source is not None:
            keys, values, padding = source
            seen = self.cross_attention(self.cross_residual.enter(x), keys, values, padding, first, fold)
            x = self.cross_residual.leave(x, seen.states)
            drawn = add_log_probability(drawn, seen.log_probability)
        residual = self.feed_forward_residual
        return LayerOutput(residual.leave(x, self.feed_forward(residual.enter(x))), drawn)


def _residual(config: LayerConfig, drop_path: float) -> Residual:
    return Residual(config.width, config.norm, config.dropout, config.norm_epsilon, drop_path)


def final_norm(config: LayerConfig) -> nn.Module:
    """What comes after the last layer of a stack: pre-norm leaves its sum without a norm of its own.

    Example:
        >>> final_norm(LayerConfig(width=8, heads=2, norm="post"))
        Identity()
    """
    return nn.LayerNorm(config.width, eps=config.norm_epsilon) if config.norm == "pre" else nn.Identity()

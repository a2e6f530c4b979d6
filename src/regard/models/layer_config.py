"""What a recipe says about the layers of a Transformer, whatever it reads."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from regard.attention.config import AttentionConfig


class LayerConfig(BaseModel):
    """The dials of one Transformer layer.

    Attributes:
        width: size of every state.
        heads: of attention.
        kv_heads: key and value heads; fewer than `heads` are grouped.
        feed_forward: hidden size of feed-forward layers; 4 · width unless said.
        activation: of these layers.
        dropout: after sub-layers.
        attention_dropout: of the weights of multi-head attention; as `dropout` unless said. One head that
            reads states as they are drops none.
        activation_dropout: inside feed-forward layers.
        norm: layer norm before or after sub-layers.
        norm_epsilon: of layer norms.
        self_attention: score, scope and selection of attention within one sequence.

    Example:
        >>> LayerConfig(width=512).hidden
        2048
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    width: int = Field(default=256, ge=1)
    heads: int = Field(default=4, ge=1)
    kv_heads: int | None = Field(default=None, ge=1)
    feed_forward: int | None = Field(default=None, ge=1)
    activation: Literal["relu", "gelu", "silu"] = "relu"
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    attention_dropout: float | None = Field(default=None, ge=0.0, lt=1.0)
    activation_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    norm: Literal["pre", "post"] = "pre"
    norm_epsilon: float = Field(default=1e-5, gt=0.0)
    self_attention: AttentionConfig = AttentionConfig()

    @property
    def hidden(self) -> int:
        """Hidden size of feed-forward layers."""
        return self.feed_forward or 4 * self.width

    @property
    def weight_dropout(self) -> float:
        """Dropout of attention weights."""
        return self.dropout if self.attention_dropout is None else self.attention_dropout

    def check_heads(self) -> None:
        """Raise where the width cannot be shared out among the heads.

        Raises:
            ValueError: it cannot, with the nearest that can.
        """
        if self.width % self.heads:
            near = max(heads for heads in range(1, self.heads + 1) if self.width % heads == 0)
            raise ValueError(
                f"width is {self.width}, which {self.heads} heads cannot share evenly: take {near} heads, "
                f"or a width of {round(self.width / self.heads + 0.5) * self.heads}"
            )
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise ValueError(
                f"kv_heads is {self.kv_heads}, which is no divisor of heads ({self.heads}): every key and "
                "value head serves a group of query heads of one size"
            )

    def check_self_attention(self) -> None:
        """Raise where attention within one sequence makes no sense.

        Raises:
            ValueError: a scope that aligns two sequences.
        """
        if self.self_attention.scope in ("local-m", "local-p"):
            raise ValueError(
                f'self_attention.scope is "{self.self_attention.scope}", which aligns a target position '
                'with a source position; within one sequence take "window"'
            )

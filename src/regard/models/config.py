"""What a recipe says about a model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from regard.attention.config import AttentionConfig

Kind = Literal["transformer", "rnn", "lstm", "gru"]


class ModelConfig(BaseModel):
    """A few dials; the rest is derived from them.

    Attributes:
        encoder: what reads the source; also the network of a classifier.
        decoder: what writes the target; also the network of a language model.
        width: size of every state.
        layers: of encoder and decoder, where they do not say otherwise.
        encoder_layers: of the encoder alone.
        decoder_layers: of the decoder alone.
        heads: of a Transformer's attention.
        kv_heads: key and value heads of a Transformer's attention; fewer than `heads` are grouped.
        cross_heads: of a recurrent decoder's attention; with one it reads the encoder's states as they are
            (Bahdanau, Luong), with more it projects them as a Transformer does.
        feed_forward: hidden size of a Transformer's feed-forward layers; 4 · width unless said.
        activation: of these layers.
        dropout: after embeddings and sub-layers.
        attention_dropout: of the weights of multi-head attention; as `dropout` unless said. One head that
            reads states as they are drops none.
        activation_dropout: inside feed-forward layers.
        norm: layer norm before or after a Transformer's sub-layers.
        norm_epsilon: of layer norms.
        embedding_norm: one more layer norm, right after the embedding (BERT).
        positions: of a Transformer.
        max_length: most tokens that a Transformer takes.
        bidirectional: a recurrent encoder reads both ways, with half the width each way.
        wiring: of a recurrent decoder: Bahdanau attends with the previous state and feeds the context to the
            cell, Luong attends with the new state.
        input_feeding: Luong's decoder also feeds its last attentional vector to the cell.
        tie_embeddings: the output layer is the target embedding, with a joint vocabulary the source's too.
        attention: from decoder to encoder; "none" leaves a recurrent decoder with one context vector.
        self_attention: within a Transformer.

    Raises:
        ValidationError: a combination that makes no sense, saying why.

    Example:
        >>> ModelConfig(encoder="transformer", decoder="gru", width=512).hidden
        2048
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    encoder: Kind = "transformer"
    decoder: Kind = "transformer"
    width: int = Field(default=256, ge=1)
    layers: int = Field(default=3, ge=1)
    encoder_layers: int | None = Field(default=None, ge=1)
    decoder_layers: int | None = Field(default=None, ge=1)
    heads: int = Field(default=4, ge=1)
    kv_heads: int | None = Field(default=None, ge=1)
    cross_heads: int = Field(default=1, ge=1)
    feed_forward: int | None = Field(default=None, ge=1)
    activation: Literal["relu", "gelu", "silu"] = "relu"
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    attention_dropout: float | None = Field(default=None, ge=0.0, lt=1.0)
    activation_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    norm: Literal["pre", "post"] = "pre"
    norm_epsilon: float = Field(default=1e-5, gt=0.0)
    embedding_norm: bool = False
    positions: Literal["sinusoidal", "learned", "rotary", "alibi"] = "sinusoidal"
    max_length: int = Field(default=1024, ge=1)
    bidirectional: bool = True
    wiring: Literal["bahdanau", "luong"] = "luong"
    input_feeding: bool = True
    tie_embeddings: bool = True
    attention: AttentionConfig | Literal["none"] = AttentionConfig()
    self_attention: AttentionConfig = AttentionConfig()

    @property
    def hidden(self) -> int:
        """Hidden size of feed-forward layers."""
        return self.feed_forward or 4 * self.width

    @property
    def weight_dropout(self) -> float:
        """Dropout of attention weights."""
        return self.dropout if self.attention_dropout is None else self.attention_dropout

    @property
    def encoder_depth(self) -> int:
        """Layers of the encoder."""
        return self.encoder_layers or self.layers

    @property
    def decoder_depth(self) -> int:
        """Layers of the decoder."""
        return self.decoder_layers or self.layers

    def reach(self, *parts: Kind) -> int | None:
        """The most positions that a model of parts of these kinds takes; None where there is no limit.

        Example:
            >>> config = ModelConfig(max_length=512)
            >>> config.reach("transformer", "gru"), config.reach("gru")
            (512, None)
        """
        return self.max_length if "transformer" in parts and self.positions != "alibi" else None

    @model_validator(mode="after")
    def _make_sense(self) -> Self:
        if "transformer" in (self.encoder, self.decoder):
            self._check_transformer()
        if self.encoder != "transformer" and self.bidirectional and self.width % 2:
            raise ValueError(
                f"width is {self.width}: a bidirectional encoder gives half of it to each direction, "
                "so it must be even"
            )
        if self.decoder != "transformer" and self.width % self.cross_heads:
            raise ValueError(
                f"width is {self.width}, which {self.cross_heads} cross_heads cannot share evenly"
            )
        self._check_attention()
        return self

    def _check_transformer(self) -> None:
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
        if self.positions == "sinusoidal" and self.width % 2:
            raise ValueError(
                f"width is {self.width}: sinusoidal positions pair sines with cosines, so it must be even"
            )
        if self.positions == "rotary" and (self.width // self.heads) % 2:
            raise ValueError(
                f"a head has {self.width // self.heads} channels (width / heads): rotary positions turn "
                "pairs of channels, so it must be even"
            )

    def _check_attention(self) -> None:
        if self.attention == "none":
            if self.decoder == "transformer":
                raise ValueError(
                    'attention is "none": a Transformer decoder has no recurrent state that could carry the '
                    "source; give it attention, or take an rnn, lstm or gru decoder"
                )
        elif self.attention.scope == "window":
            raise ValueError(
                'attention.scope is "window": a window lies around the query\'s own position, which a target '
                'word has not in the source; take "local-m" (word t looks around source word t) or '
                '"local-p" (predicted)'
            )
        elif self.attention.scope == "local-p" and self.attention.selection in ("hard", "gumbel"):
            raise ValueError(
                f'attention.scope is "local-p" with selection "{self.attention.selection}": its Gaussian '
                "weighs keys after the selection, and a hard selection has only one key, of weight 1"
            )
        if self.self_attention.scope in ("local-m", "local-p"):
            raise ValueError(
                f'self_attention.scope is "{self.self_attention.scope}", which aligns a target position '
                'with a source position; within one sequence take "window"'
            )

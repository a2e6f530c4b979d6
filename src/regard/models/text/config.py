"""What a recipe says about a model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from regard.attention.config import AttentionConfig
from regard.models.layer_config import LayerConfig

Kind = Literal["transformer", "rnn", "lstm", "gru"]


class ModelConfig(LayerConfig):
    """A few dials beside those of a Transformer's layers; the rest is derived from them.

    Attributes:
        encoder: what reads the source; also the network of a classifier.
        decoder: what writes the target; also the network of a language model.
        layers: of encoder and decoder, where they do not say otherwise; at most 1,000, as many as Wang et al.
            2022 (DeepNet) have trained.
        encoder_layers: of the encoder alone.
        decoder_layers: of the decoder alone.
        cross_heads: of a recurrent decoder's attention; with one it reads the encoder's states as they are
            (Bahdanau, Luong), with more it projects them as a Transformer does.
        embedding_norm: one more layer norm, right after the embedding (BERT).
        positions: of a Transformer.
        max_length: most tokens that a Transformer takes; with ALiBi there is no limit.
        bidirectional: a recurrent encoder reads both ways, with half the width each way.
        wiring: of a recurrent decoder: Bahdanau attends with the previous state and feeds the context to the
            cell, Luong attends with the new state.
        input_feeding: Luong's decoder also feeds its last attentional vector to the cell.
        tie_embeddings: the output layer is the target embedding, with a joint vocabulary the source's too.
        attention: from decoder to encoder; "none" leaves a recurrent decoder with one context vector.

    Raises:
        ValidationError: a combination that makes no sense, saying why.

    Example:
        >>> ModelConfig(encoder="transformer", decoder="gru", width=512).hidden
        2048
    """

    encoder: Kind = "transformer"
    decoder: Kind = "transformer"
    layers: int = Field(default=3, ge=1, le=1000)
    encoder_layers: int | None = Field(default=None, ge=1, le=1000)
    decoder_layers: int | None = Field(default=None, ge=1, le=1000)
    cross_heads: int = Field(default=1, ge=1)
    embedding_norm: bool = False
    positions: Literal["sinusoidal", "learned", "rotary", "alibi"] = "sinusoidal"
    max_length: int = Field(default=1024, ge=1)
    bidirectional: bool = True
    wiring: Literal["bahdanau", "luong"] = "luong"
    input_feeding: bool = True
    tie_embeddings: bool = True
    attention: AttentionConfig | Literal["none"] = AttentionConfig()

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
        self.check_self_attention()
        return self

    def _check_transformer(self) -> None:
        self.check_heads()
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
                '"local-p" (predicted); within one text self_attention.scope takes it'
            )
        elif self.attention.scope == "others":
            raise ValueError(
                'attention.scope is "others", which leaves out the query itself, and a target word is not '
                'among the words of the source; take "global"; within one text self_attention.scope takes it'
            )
        elif self.attention.scope == "local-p" and self.attention.selection in ("hard", "gumbel"):
            raise ValueError(
                f'attention.scope is "local-p" with selection "{self.attention.selection}": its Gaussian '
                "weighs keys after the selection, and a hard selection has only one key, of weight 1"
            )

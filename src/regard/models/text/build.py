"""From a config to a model. Weights are a function of torch's random seed."""

from __future__ import annotations

from torch import nn

from regard.models.text.classifier import TextClassifier
from regard.models.text.config import ModelConfig
from regard.models.text.encoder_decoder import EncoderDecoder
from regard.models.text.language_model import LanguageModel
from regard.models.text.parts import Decoder, Encoder
from regard.models.text.recurrent_decoder import RecurrentDecoder
from regard.models.text.recurrent_encoder import RecurrentEncoder
from regard.models.text.transformer import TransformerDecoder, TransformerEncoder
from regard.nn.embedding import Embedding
from regard.nn.linear import linear
from regard.nn.positions import Learned, Positions, Sinusoidal


def build_translator(
    config: ModelConfig, source_vocabulary: int, target_vocabulary: int, *, joint: bool, pad: int
) -> EncoderDecoder:
    """Build an encoder–decoder.

    Args:
        config: the dials.
        source_vocabulary: source token ids.
        target_vocabulary: target token ids.
        joint: both are one vocabulary: source and target share an embedding where embeddings are tied.
        pad: id of padding.

    Raises:
        ValueError: `joint` with vocabularies of two sizes.

    Example:
        >>> model = build_translator(ModelConfig(width=8, heads=2), 20, 20, joint=True, pad=0)
        >>> model.output.weight is model.source_embedding.weight
        True
    """
    if joint and source_vocabulary != target_vocabulary:
        raise ValueError(
            f"a joint vocabulary has one size, was given {source_vocabulary} and {target_vocabulary} tokens"
        )
    source = _embedding(config, config.encoder, source_vocabulary, pad)
    target = _embedding(config, config.decoder, target_vocabulary, pad)
    if joint and config.tie_embeddings:
        target.weight = source.weight
    return EncoderDecoder(
        source,
        target,
        _encoder(config),
        _decoder(config, source=True),
        _output(config, target),
        config.reach(config.encoder, config.decoder),
    )


def build_language_model(config: ModelConfig, vocabulary: int, pad: int) -> LanguageModel:
    """Build a language model of the config's decoder; its cross-attention is left out.

    Args:
        config: the dials.
        vocabulary: token ids.
        pad: id of padding.

    Raises:
        ValueError: hard self-attention, for which a language model has no reward.

    Example:
        >>> build_language_model(ModelConfig(decoder="lstm", width=8), 20, pad=0).max_length is None
        True
    """
    if config.decoder == "transformer" and config.self_attention.selection == "hard":
        raise ValueError(
            'self_attention.selection is "hard", which learns from rewards, and a language model gives none; '
            'take "gumbel"'
        )
    embedding = _embedding(config, config.decoder, vocabulary, pad)
    decoder = _decoder(config, source=False)
    return LanguageModel(embedding, decoder, _output(config, embedding), config.reach(config.decoder))


def build_classifier(config: ModelConfig, vocabulary: int, classes: int, pad: int) -> TextClassifier:
    """Build a text classifier of the config's encoder.

    Args:
        config: the dials.
        vocabulary: token ids.
        classes: how many.
        pad: id of padding.

    Raises:
        ValueError: hard self-attention, for which a classifier has no reward.

    Example:
        >>> build_classifier(ModelConfig(width=8, heads=2), 20, 3, pad=0).output
        Linear(in_features=8, out_features=3, bias=True)
    """
    if config.encoder == "transformer" and config.self_attention.selection == "hard":
        raise ValueError(
            'self_attention.selection is "hard", which learns from a reward for each word written, and a '
            'classifier writes none; take "gumbel"'
        )
    return TextClassifier(
        _embedding(config, config.encoder, vocabulary, pad),
        _encoder(config),
        width=config.width,
        classes=classes,
        dropout=config.dropout,
        max_length=config.reach(config.encoder),
    )


def _encoder(config: ModelConfig) -> Encoder:
    return TransformerEncoder(config) if config.encoder == "transformer" else RecurrentEncoder(config)


def _decoder(config: ModelConfig, *, source: bool) -> Decoder:
    if config.decoder == "transformer":
        return TransformerDecoder(config, cross=source)
    return RecurrentDecoder(config, _summary_size(config) if source else None)


def _summary_size(config: ModelConfig) -> int:
    """Features of a :class:`Memory`'s summary."""
    if config.encoder == "transformer":
        return config.width
    return config.width * config.encoder_depth * (2 if config.encoder == "lstm" else 1)


def _embedding(config: ModelConfig, kind: str, vocabulary: int, pad: int) -> Embedding:
    positions: Positions | None = None
    if kind == "transformer" and config.positions == "sinusoidal":
        positions = Sinusoidal(config.width, config.max_length)
    elif kind == "transformer" and config.positions == "learned":
        positions = Learned(config.width, config.max_length)
    return Embedding(
        vocabulary,
        config.width,
        pad=pad,
        positions=positions,
        norm_epsilon=config.norm_epsilon if config.embedding_norm else None,
        dropout=config.dropout,
    )


def _output(config: ModelConfig, embedding: Embedding) -> nn.Linear:
    """The layer that gives logits, with the embedding's weight where tied."""
    vocabulary, width = embedding.weight.shape
    output = linear(width, vocabulary)
    if config.tie_embeddings:
        output.weight = embedding.weight
    return output

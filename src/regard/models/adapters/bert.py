"""BERT classifiers of Hugging Face as Regard's text classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from regard.models.adapters.foreign import Settings, Weights, copy_linear, copy_norm, refuse_unless, weight
from regard.models.text.build import build_classifier
from regard.models.text.classifier import TextClassifier
from regard.models.text.config import ModelConfig


def bert(weights: Weights, config: Mapping[str, Any]) -> TextClassifier:
    """Build a text classifier that computes what a `BertForSequenceClassification` does for single texts.

    The embedding of the first segment, which every token of a single text has, joins the positions.

    Args:
        weights: the model's state dict, or what its safetensors file holds.
        config: the model's `config.json`, as a dictionary (`BertConfig.to_dict()`).

    Raises:
        ForeignModelError: a variant of BERT that has no counterpart here.

    Example::

        theirs = transformers.BertForSequenceClassification.from_pretrained(folder)
        ours = bert(theirs.state_dict(), theirs.config.to_dict())
    """
    config = Settings(config, "BERT")
    refuse_unless(
        config,
        {
            "hidden_act": ["gelu", "relu", "silu"],
            "position_embedding_type": ["absolute"],
            "is_decoder": [False],
        },
    )
    classifier_dropout = config.get("classifier_dropout")
    head = weight(weights, "classifier.weight")
    model = build_classifier(
        ModelConfig(
            width=config["hidden_size"],
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            feed_forward=config["intermediate_size"],
            activation=config["hidden_act"],
            dropout=config["hidden_dropout_prob"],
            attention_dropout=config["attention_probs_dropout_prob"],
            norm="post",
            norm_epsilon=config["layer_norm_eps"],
            embedding_norm=True,
            positions="learned",
            max_length=config["max_position_embeddings"],
        ),
        config["vocab_size"],
        head.shape[0],
        pad=config["pad_token_id"],
    )
    if classifier_dropout is not None:
        model.dropout.probability = classifier_dropout
    model.load_state_dict(_renamed(weights, config))
    return model


def _renamed(weights: Weights, config: Mapping[str, Any]) -> dict[str, Tensor]:
    ours: dict[str, Tensor] = {}
    table = "bert.embeddings"
    # BERT does not scale its embeddings, and ours are scaled by √width.
    ours["embedding.weight"] = (
        weight(weights, f"{table}.word_embeddings.weight") / config["hidden_size"] ** 0.5
    )
    ours["embedding.positions.table"] = (
        weight(weights, f"{table}.position_embeddings.weight")
        + weight(weights, f"{table}.token_type_embeddings.weight")[0]
    )
    copy_norm(ours, "embedding.norm", weights, f"{table}.LayerNorm")
    for index in range(config["num_hidden_layers"]):
        to, source = f"encoder.layers.{index}", f"bert.encoder.layer.{index}"
        parts = [f"{source}.attention.self.{part}" for part in ("query", "key", "value")]
        copy_linear(ours, f"{to}.self_attention.projection", weights, parts)
        copy_linear(ours, f"{to}.self_attention.output", weights, [f"{source}.attention.output.dense"])
        copy_norm(ours, f"{to}.self_residual.norm", weights, f"{source}.attention.output.LayerNorm")
        copy_linear(ours, f"{to}.feed_forward.inner", weights, [f"{source}.intermediate.dense"])
        copy_linear(ours, f"{to}.feed_forward.outer", weights, [f"{source}.output.dense"])
        copy_norm(ours, f"{to}.feed_forward_residual.norm", weights, f"{source}.output.LayerNorm")
    copy_linear(ours, "pool", weights, ["bert.pooler.dense"])
    copy_linear(ours, "output", weights, ["classifier"])
    return ours

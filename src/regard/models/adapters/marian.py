"""Marian translators of Hugging Face (the Opus-MT models) as Regard's encoder–decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from regard.models.adapters.foreign import Settings, Weights, copy_linear, copy_norm, refuse_unless, weight
from regard.models.text.build import build_translator
from regard.models.text.config import ModelConfig
from regard.models.text.encoder_decoder import EncoderDecoder
from regard.nn.feed_forward import Activation

_ACTIVATIONS: dict[str, Activation] = {"relu": "relu", "gelu": "gelu", "swish": "silu", "silu": "silu"}


def marian(weights: Weights, config: Mapping[str, Any]) -> EncoderDecoder:
    """Build an encoder–decoder that computes what a `MarianMTModel` does.

    Marian's decoder begins with the padding token, not with <s> as Regard's own translators do. Its table of
    sinusoids lies differently from Vaswani's, so it is taken over as learned positions. Embeddings and the
    output layer are shared where their weights are equal.

    Args:
        weights: the model's state dict, or what its safetensors file holds.
        config: the model's `config.json`, as a dictionary (`MarianConfig.to_dict()`).

    Raises:
        ForeignModelError: a variant of Marian that has no counterpart here.

    Example::

        theirs = transformers.MarianMTModel.from_pretrained(folder)
        ours = marian(theirs.state_dict(), theirs.config.to_dict())
    """
    config = Settings(config, "Marian")
    encoder_sizes = [config["encoder_attention_heads"], config["encoder_ffn_dim"]]
    refuse_unless(
        config,
        {
            "activation_function": list(_ACTIVATIONS),
            "scale_embedding": [True],
            "decoder_attention_heads": encoder_sizes[:1],
            "decoder_ffn_dim": encoder_sizes[1:],
            "normalize_before": [False],
            "normalize_embedding": [False],
        },
    )
    # What the configuration says of sharing has meant several things over the years; the weights do not lie.
    source, target = (_embedding(weights, side) for side in ("encoder", "decoder"))
    output = weights.get("lm_head.weight", target)
    tied = torch.equal(output, target)
    joint = tied and torch.equal(source, target)
    model = build_translator(
        ModelConfig(
            width=config["d_model"],
            encoder_layers=config["encoder_layers"],
            decoder_layers=config["decoder_layers"],
            heads=config["encoder_attention_heads"],
            feed_forward=config["encoder_ffn_dim"],
            activation=_ACTIVATIONS[config["activation_function"]],
            dropout=config["dropout"],
            attention_dropout=config["attention_dropout"],
            activation_dropout=config["activation_dropout"],
            norm="post",
            positions="learned",
            max_length=config["max_position_embeddings"],
            tie_embeddings=tied,
        ),
        config["vocab_size"],
        config.get("decoder_vocab_size") or config["vocab_size"],
        joint=joint,
        pad=config["pad_token_id"],
    )
    ours = {"source_embedding.weight": source, "target_embedding.weight": target, "output.weight": output}
    ours["output.bias"] = weight(weights, "final_logits_bias")[0]
    for side, name in (("encoder", "source_embedding"), ("decoder", "target_embedding")):
        ours[f"{name}.positions.table"] = _positions(weights, side, config)
        for index in range(config[f"{side}_layers"]):
            _copy_layer(
                ours, f"{side}.layers.{index}", weights, f"model.{side}.layers.{index}", side == "decoder"
            )
    model.load_state_dict(ours)
    return model


def _embedding(weights: Weights, side: str) -> Tensor:
    """A side's own, or the one that both share: of equal ones a file holds one."""
    own = weights.get(f"model.{side}.embed_tokens.weight")
    return weight(weights, "model.shared.weight") if own is None else own


def _positions(weights: Weights, side: str, config: Mapping[str, Any]) -> Tensor:
    """[positions, width]: all sines, then all cosines. Files leave them out, as they are not learnt."""
    given = weights.get(f"model.{side}.embed_positions.weight")
    if given is not None:
        return given
    places = torch.arange(config["max_position_embeddings"], dtype=torch.float64)
    rates = 10000.0 ** (-torch.arange(0, config["d_model"], 2, dtype=torch.float64) / config["d_model"])
    angles = torch.outer(places, rates)
    return torch.cat([angles.sin(), angles.cos()], 1)[:, : config["d_model"]].float()


def _copy_layer(ours: dict[str, Tensor], to: str, weights: Weights, source: str, cross: bool) -> None:
    own = f"{source}.self_attn"
    copy_linear(ours, f"{to}.self_attention.projection", weights, [f"{own}.{part}_proj" for part in "qkv"])
    copy_linear(ours, f"{to}.self_attention.output", weights, [f"{own}.out_proj"])
    copy_norm(ours, f"{to}.self_residual.norm", weights, f"{source}.self_attn_layer_norm")
    if cross:
        other = f"{source}.encoder_attn"
        copy_linear(ours, f"{to}.cross_attention.query", weights, [f"{other}.q_proj"])
        copy_linear(ours, f"{to}.cross_attention.memory", weights, [f"{other}.{part}_proj" for part in "kv"])
        copy_linear(ours, f"{to}.cross_attention.output", weights, [f"{other}.out_proj"])
        copy_norm(ours, f"{to}.cross_residual.norm", weights, f"{source}.encoder_attn_layer_norm")
    copy_linear(ours, f"{to}.feed_forward.inner", weights, [f"{source}.fc1"])
    copy_linear(ours, f"{to}.feed_forward.outer", weights, [f"{source}.fc2"])
    copy_norm(ours, f"{to}.feed_forward_residual.norm", weights, f"{source}.final_layer_norm")

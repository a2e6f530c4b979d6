"""Vision Transformers of Hugging Face and of timm as Regard's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from regard.models.adapters.foreign import (
    ForeignModelError,
    Settings,
    Weights,
    copy_linear,
    copy_norm,
    refuse_unless,
    weight,
)
from regard.models.images.build import build_image_classifier
from regard.models.images.config import VitConfig
from regard.models.images.vit import VisionTransformer

_HALF = (0.5, 0.5, 0.5)

# As models were named before version 5 of the library, and still are in their files.
_OLDER = {
    "vit.encoder.layer.": "vit.layers.",
    ".attention.attention.query.": ".attention.q_proj.",
    ".attention.attention.key.": ".attention.k_proj.",
    ".attention.attention.value.": ".attention.v_proj.",
    ".attention.output.dense.": ".attention.o_proj.",
    ".intermediate.dense.": ".mlp.fc1.",
    ".output.dense.": ".mlp.fc2.",
}


class _Names(NamedTuple):
    """What the parts of a layer are called, `layer` with the layer's number to come."""

    layer: str
    projection: tuple[str, ...]
    output: str
    attention_norm: str
    feed_forward_norm: str

    def copy(self, into: dict[str, Tensor], weights: Weights, index: int) -> None:
        """Put one layer under its names of ours."""
        to, source = f"encoder.layers.{index}", f"{self.layer}.{index}"
        projection = [f"{source}.{part}" for part in self.projection]
        copy_linear(into, f"{to}.self_attention.projection", weights, projection)
        copy_linear(into, f"{to}.self_attention.output", weights, [f"{source}.{self.output}"])
        copy_norm(into, f"{to}.self_residual.norm", weights, f"{source}.{self.attention_norm}")
        copy_linear(into, f"{to}.feed_forward.inner", weights, [f"{source}.mlp.fc1"])
        copy_linear(into, f"{to}.feed_forward.outer", weights, [f"{source}.mlp.fc2"])
        copy_norm(into, f"{to}.feed_forward_residual.norm", weights, f"{source}.{self.feed_forward_norm}")


_HUGGING_FACE = _Names(
    "vit.layers",
    ("attention.q_proj", "attention.k_proj", "attention.v_proj"),
    "attention.o_proj",
    "layernorm_before",
    "layernorm_after",
)
_TIMM = _Names("blocks", ("attn.qkv",), "attn.proj", "norm1", "norm2")


def vit(
    weights: Weights,
    config: Mapping[str, Any],
    *,
    mean: Sequence[float] = _HALF,
    std: Sequence[float] = _HALF,
) -> VisionTransformer:
    """Build a Vision Transformer that computes what a `ViTForImageClassification` does.

    Args:
        weights: the model's state dict, or what its safetensors file holds.
        config: the model's `config.json`, as a dictionary (`ViTConfig.to_dict()`).
        mean: of each channel, as `preprocessor_config.json` says; ours takes images in [0, 1].
        std: of each channel.

    Raises:
        ForeignModelError: a variant that has no counterpart here.
        ValueError: not one mean and one deviation above zero for each channel.

    Example::

        theirs = transformers.ViTForImageClassification.from_pretrained(folder)
        ours = vit(theirs.state_dict(), theirs.config.to_dict())
    """
    config = Settings(config, "ViT")
    refuse_unless(config, {"hidden_act": ["gelu", "relu", "silu"], "qkv_bias": [True]})
    weights = {_renewed(name): tensor for name, tensor in weights.items()}
    height, width = _pair(config["image_size"])
    side, other = _pair(config["patch_size"])
    if side != other:
        raise ForeignModelError(
            f"this ViT has patches of {side} × {other} pixels; only square ones can be taken over"
        )
    built = _build(
        VitConfig(
            width=config["hidden_size"],
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            feed_forward=config["intermediate_size"],
            activation=config["hidden_act"],
            dropout=config["hidden_dropout_prob"],
            attention_dropout=config["attention_probs_dropout_prob"],
            norm_epsilon=config["layer_norm_eps"],
            patch=side,
            drop_path=0.0,
        ),
        (height, width),
        weight(weights, "vit.embeddings.patch_embeddings.projection.weight").shape[1],
        weight(weights, "classifier.weight").shape[0],
        mean,
        std,
    )
    table = "vit.embeddings"
    ours = _tokens(
        built, weight(weights, f"{table}.position_embeddings"), [weight(weights, f"{table}.cls_token")]
    )
    copy_linear(ours, "embedding.projection", weights, [f"{table}.patch_embeddings.projection"])
    for index in range(config["num_hidden_layers"]):
        _HUGGING_FACE.copy(ours, weights, index)
    copy_norm(ours, "encoder.norm", weights, "vit.layernorm")
    copy_linear(ours, "output", weights, ["classifier"])
    built.load_state_dict(ours)
    return built


def timm_vit(
    weights: Weights,
    *,
    heads: int,
    image_size: tuple[int, int],
    mean: Sequence[float] = _HALF,
    std: Sequence[float] = _HALF,
) -> VisionTransformer:
    """Build a Vision Transformer that computes what timm's `VisionTransformer` with a class token does.

    Args:
        weights: the model's state dict.
        heads: of attention, which the weights do not tell.
        image_size: height and width of the images that its positions are for.
        mean: of each channel, as the model's `default_cfg` says; ours takes images in [0, 1].
        std: of each channel.

    Raises:
        ForeignModelError: a variant that has no counterpart here.
        ValueError: not one mean and one deviation above zero for each channel.

    Example::

        theirs = timm.create_model("vit_tiny_patch16_224")
        ours = timm_vit(theirs.state_dict(), heads=3, image_size=(224, 224))
    """
    projection = weight(weights, "patch_embed.proj.weight")
    registers = [weights["reg_token"]] if "reg_token" in weights else []
    layers = sum(name.endswith(".norm1.weight") for name in weights)
    built = _build(
        VitConfig(
            width=projection.shape[0],
            layers=layers,
            heads=heads,
            feed_forward=weight(weights, "blocks.0.mlp.fc1.weight").shape[0],
            norm_epsilon=1e-6,
            patch=projection.shape[-1],
            registers=sum(register.shape[1] for register in registers),
            drop_path=0.0,
        ),
        image_size,
        projection.shape[1],
        weight(weights, "head.weight").shape[0],
        mean,
        std,
    )
    ours = _tokens(built, weight(weights, "pos_embed"), [weight(weights, "cls_token"), *registers])
    copy_linear(ours, "embedding.projection", weights, ["patch_embed.proj"])
    for index in range(layers):
        _TIMM.copy(ours, weights, index)
    copy_norm(ours, "encoder.norm", weights, "norm")
    copy_linear(ours, "output", weights, ["head"])
    unread = set(weights) - {"cls_token", "reg_token", "pos_embed"} - _read(layers)
    if unread:
        raise ForeignModelError(f"this Vision Transformer has {min(unread)!r}, which has no counterpart here")
    built.load_state_dict(ours)
    return built


def _read(layers: int) -> set[str]:
    """Names of the linear maps and norms that are taken over from timm."""
    parts = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    modules = ["patch_embed.proj", "norm", "head"]
    modules += [f"blocks.{index}.{part}" for index in range(layers) for part in parts]
    return {f"{module}.{kind}" for module in modules for kind in ("weight", "bias")}


def _build(
    config: VitConfig,
    image_size: tuple[int, int],
    channels: int,
    classes: int,
    mean: Sequence[float],
    std: Sequence[float],
) -> VisionTransformer:
    model = build_image_classifier(config, channels, classes, image_size, mean, std)
    assert isinstance(model, VisionTransformer)
    return model


def _tokens(model: VisionTransformer, table: Tensor, extras: Sequence[Tensor]) -> dict[str, Tensor]:
    """Positions, class token and registers, and what of ours others do not have.

    Others add positions to extra tokens too, whose vectors are theirs alone: the sum is ours.

    Args:
        model: of ours.
        table: [1, extras or fewer + rows · columns, width].
        extras: each [1, some, width].
    """
    assert model.positions is not None
    learned = model.positions.table
    patches = learned.shape[0] * learned.shape[1]
    before = torch.cat(list(extras), 1)[0].clone()
    placed = table.shape[1] - patches
    if not 0 <= placed <= len(before):
        raise ForeignModelError(
            f"the weights have {table.shape[1]} positions, but images give {patches} patches and "
            f"{len(before)} other tokens"
        )
    before[:placed] += table[0, :placed]
    return {
        "positions.table": table[0, placed:].view(learned.shape),
        "extras": before,
        "normalise.mean": model.normalise.mean,
        "normalise.std": model.normalise.std,
    }


def _renewed(name: str) -> str:
    for older, newer in _OLDER.items():
        name = name.replace(older, newer)
    return name


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])

"""Vision Transformers, images/s in training and inference, against timm and Hugging Face at equal sizes.

python -m benchmarks.vision_transformers [--rounds 5]
"""

import argparse
from collections.abc import Callable
from typing import NamedTuple

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from benchmarks import machine
from benchmarks.peers import import_timm
from benchmarks.steps import MODES, Round, steps
from benchmarks.timing import Entry, in_turn, paired_ratio


class Size(NamedTuple):
    """Of images, network and batch."""

    image: int
    patch: int
    width: int
    layers: int
    heads: int
    classes: int
    batch: int


SIZES = {
    "ViT-Ti/16, 224²": Size(224, 16, 192, 12, 3, 1000, 32),
    "6 layers, 32²/4": Size(32, 4, 192, 6, 3, 10, 128),
}


def timm_vit(size: Size) -> nn.Module:
    transformers = import_timm().models.vision_transformer
    return transformers.VisionTransformer(
        img_size=size.image,
        patch_size=size.patch,
        num_classes=size.classes,
        embed_dim=size.width,
        depth=size.layers,
        num_heads=size.heads,
    )


class HuggingFaceVit(nn.Module):
    """On SDPA; only the logits of what it gives."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        from transformers import ViTConfig, ViTForImageClassification

        config = ViTConfig(
            hidden_size=size.width,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            intermediate_size=4 * size.width,
            image_size=size.image,
            patch_size=size.patch,
            num_labels=size.classes,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            attn_implementation="sdpa",
        )
        self.model = ViTForImageClassification(config)

    def forward(self, images: Tensor) -> Tensor:
        return self.model(pixel_values=images).logits


def regard_vit(size: Size) -> nn.Module:
    """It normalises the images too."""
    from regard.models.images import VisionTransformer, VitConfig

    config = VitConfig(
        width=size.width, layers=size.layers, heads=size.heads, patch=size.patch, drop_path=0.0
    )
    square = (size.image, size.image)
    return VisionTransformer(config, 3, size.classes, square, mean=[0.5] * 3, std=[0.2] * 3)


CONTESTANTS: dict[str, Callable[[Size], nn.Module]] = {
    "timm": timm_vit,
    "Hugging Face (SDPA)": HuggingFaceVit,
    "Regard": regard_vit,
}


def prepare(contestant: str, name: str, precision: str, mode: str) -> Round:
    if contestant == "Regard" and mode == "training":
        from regard.nn.freed_memory import keep_freed_memory

        keep_freed_memory()  # as Regard's trainer does
    size = SIZES[name]
    torch.manual_seed(0)
    images = torch.rand(size.batch, 3, size.image, size.image)
    labels = torch.randint(0, size.classes, (size.batch,))
    return steps(CONTESTANTS[contestant](size), images, labels, precision, mode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    console = Console()
    console.print(machine.describe())
    table = Table("network", "mode", "precision", "contestant", "images/s", "× timm", "× HF", "peak MB")
    for name, size in SIZES.items():
        for mode in MODES:
            for precision in machine.PRECISIONS:
                entries = {key: Entry(prepare, (key, name, precision, mode)) for key in CONTESTANTS}
                timings = in_turn(entries, rounds)
                for key, timing in timings.items():
                    table.add_row(
                        f"{name}, batch {size.batch}",
                        mode,
                        precision,
                        key,
                        f"{size.batch / timing.median:,.1f}",
                        f"{paired_ratio(timings, key, 'timm'):.2f}",
                        f"{paired_ratio(timings, key, 'Hugging Face (SDPA)'):.2f}",
                        f"{timing.peak_megabytes:,.0f}",
                    )
    console.print(table)


if __name__ == "__main__":
    main()

"""How far each layer of a network reaches in a picture, whether it attends or convolves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from regard.lens.distance import attention_distance
from regard.lens.map import AttentionMap
from regard.lens.patch_grid import PatchGrid
from regard.lens.receptive_field import feature_of, field_distance, receptive_field
from regard.models.images.resnet import ResNet
from regard.models.images.unet import UNet

# A field is measured from the middle of a picture; of a large one, no more than this need be read.
_WINDOW = 512


class Reach(NamedTuple):
    """How far a network's layers reach.

    Attributes:
        name: of the network.
        layers: distances in pixels by the layer's name, from the first layer to the last; a tensor has a
            value for each head, or one.
        what: the distance is that of what a patch attends to, or of a feature's effective receptive field.
        image_size: rows and columns that the network read; (0, 0) of pictures of several sizes.
        uniform: of attention, the distance where every patch attends to all alike.
    """

    name: str
    layers: Mapping[str, Tensor]
    what: Literal["attention", "receptive field"] = "attention"
    image_size: tuple[int, int] = (0, 0)
    uniform: float | None = None

    @property
    def depths(self) -> list[float]:
        """Of each layer, as a share of the network's own layers."""
        return [(index + 1) / len(self.layers) for index in range(len(self.layers))]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        return {
            "name": self.name,
            "what": self.what,
            "image_size": list(self.image_size),
            "uniform": self.uniform,
            "layers": [
                {"name": name, "depth": depth, "distances": layer.flatten().tolist()}
                for depth, (name, layer) in zip(self.depths, self.layers.items(), strict=True)
            ],
        }


def attention_reach(name: str, pictures: Iterable[Mapping[str, AttentionMap]]) -> Reach:
    """Mean attention distance of each head against depth (Dosovitskiy et al. 2021, fig. 7).

    Args:
        name: of the network.
        pictures: of each its maps by place, as a Vision Transformer's result has them; what is no
            self-attention over patches is left out.

    Returns:
        Means over the pictures.

    Raises:
        ValueError: no self-attention over a picture among them.

    Example:
        >>> grid = PatchGrid(1, 2, image_size=(4, 8))
        >>> seen = AttentionMap("encoder.0.self", torch.eye(2)[None], grid, grid)
        >>> reach = attention_reach("vit", [{"encoder.0.self": seen}])
        >>> reach.layers, reach.uniform
        ({'encoder.0.self': tensor([0.])}, 2.0)
    """
    found: dict[str, list[Tensor]] = defaultdict(list)
    grids: set[PatchGrid] = set()
    for maps in pictures:
        for place, seen in maps.items():
            if isinstance(seen.key_axis, PatchGrid) and seen.query_axis == seen.key_axis:
                found[place].append(attention_distance(seen))
                grids.add(seen.key_axis)
    if not found:
        raise ValueError(f"{name}: no self-attention over the patches of a picture")
    sizes = {grid.image_size for grid in grids}
    return Reach(
        name,
        {place: torch.stack(distances).mean(0) for place, distances in found.items()},
        "attention",
        sizes.pop() if len(sizes) == 1 else (0, 0),
        sum(map(_uniform, grids)) / len(grids),
    )


def field_reach(name: str, network: ResNet | UNet, images: Sequence[Tensor]) -> Reach:
    """Mean distance within the effective receptive field of each layer against depth (Luo et al. 2016).

    Of a U-Net the encoder's levels and the bottleneck; of a large picture the 512 × 512 pixels in its middle.

    Args:
        name: of the network, which is in eval mode.
        network: a convolutional one.
        images: [channels, height, width] in [0, 1] each; where they differ in size, each size is measured for
            itself, and counts by its number.

    Raises:
        ValueError: no images.

    Example:
        >>> from regard.models.images.config import ResNetConfig
        >>> network = ResNet(ResNetConfig(width=4, blocks=1, stages=2), 1, 2, mean=[0.0], std=[1.0]).eval()
        >>> reach = field_reach("resnet", network, [torch.rand(1, 12, 12)])
        >>> list(reach.layers), reach.layers["stem"] < reach.layers["block 2"]
        (['stem', 'block 1', 'block 2'], tensor([True]))
    """
    if not images:
        raise ValueError(f"{name}: no pictures to measure a receptive field with")
    like = next(network.parameters())
    sizes: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
    for image in map(_middle, images):
        sizes[tuple(image.shape[1:])].append(image)
    layers = {}
    for layer, module in _layers(network).items():
        features = feature_of(network.encode if isinstance(network, UNet) else network.features, module)
        total = 0.0
        for same in sizes.values():
            field = receptive_field(features, torch.stack(same).to(like))
            total += len(same) * field_distance(field.float().cpu())
        layers[layer] = torch.tensor([total / len(images)])
    high, wide = next(iter(sizes))
    return Reach(name, layers, "receptive field", (high, wide) if len(sizes) == 1 else (0, 0))


def _layers(network: ResNet | UNet) -> dict[str, nn.Module]:
    if isinstance(network, UNet):
        levels = {f"encoder {level}": module for level, module in enumerate(network.encoder)}
        return {**levels, "bottleneck": network.bottleneck}
    blocks = {f"block {number}": module for number, module in enumerate(network.blocks, 1)}
    return {"stem": network.stem_norm, **blocks}


def _middle(image: Tensor) -> Tensor:
    top, left = (max(0, (length - _WINDOW) // 2) for length in image.shape[1:])
    return image[:, top : top + _WINDOW, left : left + _WINDOW]


def _uniform(grid: PatchGrid) -> float:
    centres = grid.centres()
    return float(torch.cdist(centres, centres).mean())

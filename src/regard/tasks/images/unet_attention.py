"""What a U-Net attends to in a picture, as maps."""

import torch
from torch import Tensor

from regard.lens import AttentionMap, PatchGrid, Tokens, look
from regard.lens.gates import gate_maps
from regard.models.images.unet import UNet

GATE = "the gate"


@torch.no_grad()
def unet_attention(model: UNet, image: Tensor) -> dict[str, AttentionMap]:
    """Maps by place: ``decoder.0.gate`` of the finest skip, ``bottleneck.0.self`` of a bottleneck's layer.

    A gate's map has one query, the gate, and a key for each pixel: how much of the skip goes through there,
    from 0 to 1. A layer of the bottleneck looks from each position of the latent to all; its grid covers the
    picture and what was mirrored at its edges.

    Args:
        model: the network.
        image: [channels, height, width] in [0, 1].
    """
    images = image[None].to(next(model.parameters()))
    height, width = image.shape[1:]
    maps = {}
    if model.config.bottleneck_attention:
        stride = model.config.stride
        with look(model, "bottleneck.*") as seen:
            rows, columns = model.encode(images).latent.shape[2:]
        grid = PatchGrid(rows, columns, (), (rows * stride, columns * stride))
        maps = {name: one.map(grid, grid) for name, one in seen.items()}
    if model.config.attention_gates:
        pixels = PatchGrid(height, width, (), (height, width))
        for name, gate in gate_maps(model, images).items():
            maps[name] = AttentionMap(name, gate.reshape(1, 1, -1), Tokens((GATE,)), pixels)
    return maps

"""Attention gates over the image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.lens.capture import look
from regard.models.images.unet import UNet


def gate_maps(network: UNet, images: Tensor) -> dict[str, Tensor]:
    """How much of each skip connection the gates let through, for every pixel.

    A gate of a coarse level is drawn as large as the image, each of its positions over the pixels it stands
    for. The network runs as it is, in training mode or not.

    Args:
        network: with attention gates.
        images: [batch, channels, rows, columns].

    Returns:
        By place, such as ``decoder.0.gate`` (0 is the finest level): [batch, rows, columns], between 0 and 1,
        float32 on the CPU.

    Raises:
        ValueError: the network has no attention gates.

    Example:
        >>> from regard.models.images.unet_config import UNetConfig
        >>> config = UNetConfig(width=4, depth=2, attention_gates=True)
        >>> network = UNet(config, 1, 1, mean=[0.0], std=[1.0]).eval()
        >>> {name: list(gate.shape) for name, gate in gate_maps(network, torch.rand(2, 1, 9, 12)).items()}
        {'decoder.0.gate': [2, 9, 12], 'decoder.1.gate': [2, 9, 12]}
    """
    if not network.config.attention_gates:
        raise ValueError("this U-Net has no attention gates: train one with attention_gates = true")
    size = images.shape[-2], images.shape[-1]
    rows, columns = (-(-length // network.config.stride) for length in size)
    with torch.no_grad(), look(network, "decoder.*.gate") as seen:
        network(images)
    maps = {}
    for name in sorted(seen):
        level = int(name.split(".")[1])
        finer = network.config.stride >> level
        # Every position of the level is a batch of its own: [batch · rows · columns, 1, 1, 1].
        grid = seen[name].weights.view(len(images), 1, rows * finer, columns * finer)
        maps[name] = network.crop(F.interpolate(grid, scale_factor=1 << level)[:, 0], size)
    return maps

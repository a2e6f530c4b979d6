"""The latent of a U-Net: what its bottleneck holds of a picture."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from regard.lens.principal import principal_directions
from regard.models.images.unet import UNet


class Latent(NamedTuple):
    """What the bottleneck holds of one picture.

    Attributes:
        values: [channels, rows, columns].
        components: [3, rows, columns]: the positions along the directions in which they differ most. Fewer
            than three where there are fewer positions or channels.
        shares: [3], of all variance between positions; zero where all are alike.
        strongest: [channels]: numbers of the channels, that which varies most over the picture first.
        stride: pixels of the picture for each row and column.
        image_size: rows and columns of the picture, which the latent's times the stride may exceed.
    """

    values: Tensor
    components: Tensor
    shares: Tensor
    strongest: Tensor
    stride: int
    image_size: tuple[int, int]


@torch.no_grad()
def latent_of(network: UNet, image: Tensor) -> Latent:
    """The latent of a picture, and in which directions its positions differ (principal components).

    Args:
        network: a U-Net.
        image: [channels, height, width] in [0, 1].

    Returns:
        float32, on the CPU.

    Example:
        >>> from regard.models.images.unet_config import UNetConfig
        >>> network = UNet(UNetConfig(width=4, depth=2), 1, 1, mean=[0.0], std=[1.0]).eval()
        >>> latent = latent_of(network, torch.rand(1, 12, 16))
        >>> latent.values.shape, latent.components.shape, len(latent.strongest)
        (torch.Size([16, 3, 4]), torch.Size([3, 3, 4]), 16)
    """
    encoded = network.encode(image[None].to(next(network.parameters())))
    values = encoded.latent[0].float().cpu().contiguous()
    rows = values.flatten(1).T
    mean, directions = principal_directions(rows, 3)
    components = ((rows.double() - mean) @ directions).float()
    # All alike, they differ along no direction: shares of nothing are zero.
    spread = rows.var(0, correction=0).sum().clamp_min(torch.finfo(torch.float32).tiny)
    return Latent(
        values,
        components.T.reshape(-1, *values.shape[1:]),
        components.var(0, correction=0) / spread,
        values.flatten(1).std(1, correction=0).argsort(descending=True, stable=True),
        network.config.stride,
        encoded.size,
    )

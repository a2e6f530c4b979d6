"""A U-Net that restores images, and one that judges where they were not as they should be."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regard.models.images.unet import UNet
from regard.models.images.unet_config import UNetConfig


class JudgedUNet(UNet):
    """Restores an image, then judges each pixel by what is there and what should be (DRAEM).

    Where good images differ from one another as much as a defect does from them (grass, gravel), how far a
    restoration is from its image says little; a network that sees both learns which differences count
    (Zavrtanik et al. 2021, §3.2).

    Args:
        config: of the network that restores.
        judge: of the one that judges: it reads image and restoration, one behind the other.
        channels: of the images.
        mean: of each channel, in the training data.
        std: of each channel.

    Raises:
        ValueError: a judge that is residual; as :class:`UNet`.

    Example:
        >>> dials = UNetConfig(width=4, depth=2)
        >>> network = JudgedUNet(dials, dials, channels=3, mean=[0.5] * 3, std=[0.2] * 3)
        >>> images = torch.rand(1, 3, 21, 30)
        >>> network.judged(images, network(images)).shape
        torch.Size([1, 2, 21, 30])
    """

    def __init__(
        self,
        config: UNetConfig,
        judge: UNetConfig,
        channels: int,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__(config, channels, channels, mean, std)
        if judge.residual:
            raise ValueError("a judge says good or bad of each pixel; it cannot be residual")
        self.judge = UNet(judge, 2 * channels, 2, [*mean, *mean], [*std, *std])

    def judged(self, images: Tensor, restored: Tensor) -> Tensor:
        """Logits of good and bad, [batch, 2, rows, columns].

        Both are normalised alike, and a restoration is cut to the range of images first: the judge would else
        learn to see which is which.

        Args:
            images: [batch, channels, rows, columns], in [0, 1].
            restored: what this network makes of them, of the same shape.
        """
        logits: Tensor = self.judge(torch.cat((images, restored.to(images.dtype).clamp(0, 1)), 1))
        return logits

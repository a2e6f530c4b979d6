"""The convolutional stem: from pixels to a sequence, seeing neighbours on the way."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.nn.patches import Patches, as_sequence, grid_of

HIDDEN_CHANNELS = 64
"""Between the convolutions (Hassani et al. 2021, table 8)."""


class ConvolutionalStem(nn.Module):
    """Convolutions, each followed by ReLU and max pooling that halves the sides (Hassani et al. 2021, §3.3).

    Its vectors stand on the same grid as patches of the same side, but overlap with their neighbours'.

    Args:
        channels: of the images.
        width: of a vector.
        patch: pixels from one vector to the next: 2, 4, 8, …; one convolution for each factor of two.

    Raises:
        ValueError: the patch is no power of two, or one.

    Example:
        >>> states, grid = ConvolutionalStem(3, 8, patch=4)(torch.zeros(2, 3, 8, 12))
        >>> states.shape, grid
        (torch.Size([2, 6, 8]), (2, 3))
    """

    def __init__(self, channels: int, width: int, patch: int) -> None:
        super().__init__()
        if patch < 2 or patch & (patch - 1):
            raise ValueError(
                f"a convolutional stem halves an image again and again: a patch of {patch} is no "
                "power of two from 2 on"
            )
        self.patch = patch
        steps = patch.bit_length() - 1
        sizes = [channels, *[HIDDEN_CHANNELS] * (steps - 1), width]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, bias=False) for before, after in pairwise(sizes)
        )
        for convolution in self.convolutions:
            assert isinstance(convolution, nn.Conv2d)
            nn.init.kaiming_normal_(convolution.weight)

    def forward(self, images: Tensor) -> Patches:
        """Embed images [batch, channels, height, width].

        Raises:
            ValueError: the patch does not divide them.
        """
        grid = grid_of(images.shape[-2:], self.patch)
        planes = images.contiguous(memory_format=torch.channels_last)
        for convolution in self.convolutions:
            planes = F.max_pool2d(F.relu(convolution(planes)), 3, stride=2, padding=1)
        return Patches(as_sequence(planes), grid)

"""From images to sequences of vectors, one for each patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.nn.grid_positions import Grid
from regard.nn.linear import linear


class Patches(NamedTuple):
    """An image as a sequence.

    Attributes:
        states: [batch, rows · columns, width], row by row.
        grid: rows and columns.
    """

    states: Tensor
    grid: Grid


def grid_of(size: Sequence[int], patch: int) -> Grid:
    """Rows and columns of the patches of an image.

    Args:
        size: height and width of the image in pixels.
        patch: side of a patch.

    Raises:
        ValueError: the patch does not divide the image.

    Example:
        >>> grid_of((224, 160), patch=16)
        (14, 10)
    """
    height, width = size
    if height % patch or width % patch or not height or not width:
        near = " × ".join(str(max(patch, round(side / patch) * patch)) for side in (height, width))
        raise ValueError(
            f"an image of {height} × {width} pixels cannot be cut into patches of {patch} × {patch}: "
            f"resize it to {near}"
        )
    return height // patch, width // patch


class PatchEmbedding(nn.Module):
    """One linear map of every patch, as one convolution (Dosovitskiy et al. 2021, §3.1).

    Args:
        channels: of the images.
        width: of a vector.
        patch: side of a patch in pixels.

    Example:
        >>> states, grid = PatchEmbedding(3, 8, patch=4)(torch.zeros(2, 3, 8, 12))
        >>> states.shape, grid
        (torch.Size([2, 6, 8]), (2, 3))
    """

    def __init__(self, channels: int, width: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.projection = nn.Conv2d(channels, width, patch, stride=patch)
        nn.init.xavier_uniform_(self.projection.weight.view(width, -1))
        nn.init.zeros_(self.projection.bias)  # type: ignore[arg-type]  # there is one

    def forward(self, images: Tensor) -> Patches:
        """Embed images [batch, channels, height, width].

        Raises:
            ValueError: the patch does not divide them.
        """
        grid = grid_of(images.shape[-2:], self.patch)
        # Channels last, the vectors of patches lie as a sequence wants them.
        return Patches(
            as_sequence(self.projection(images.contiguous(memory_format=torch.channels_last))), grid
        )


class ShiftedPatchEmbedding(nn.Module):
    """Shifted patch tokenisation: a patch is embedded with what lies around it (Lee et al. 2021, §3.1).

    The image is laid beside its copies shifted by half a patch in the four diagonal directions; each patch of
    the five goes through a layer norm and one linear map.

    Args:
        channels: of the images.
        width: of a vector.
        patch: side of a patch in pixels, at least 2.

    Raises:
        ValueError: a patch of one pixel, which has no half.

    Example:
        >>> states, grid = ShiftedPatchEmbedding(3, 8, patch=4)(torch.zeros(2, 3, 8, 12))
        >>> states.shape, grid
        (torch.Size([2, 6, 8]), (2, 3))
    """

    def __init__(self, channels: int, width: int, patch: int) -> None:
        super().__init__()
        if patch < 2:
            raise ValueError(f"patches are shifted by half their side, which a side of {patch} has not")
        self.patch = patch
        inputs = 5 * channels * patch**2
        self.norm = nn.LayerNorm(inputs)
        self.projection = linear(inputs, width)

    def forward(self, images: Tensor) -> Patches:
        """Embed images [batch, channels, height, width].

        Raises:
            ValueError: the patch does not divide them.
        """
        rows, columns = grid_of(images.shape[-2:], self.patch)
        half = self.patch // 2
        around = F.pad(images, (half, half, half, half))
        height, width = images.shape[-2:]
        corners = [
            around[..., top : top + height, left : left + width]
            for top in (0, 2 * half)
            for left in (0, 2 * half)
        ]
        five = torch.cat([images, *corners], 1)
        cut = five.view(*five.shape[:2], rows, self.patch, columns, self.patch)
        pixels = cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
        return Patches(self.projection(self.norm(pixels)), (rows, columns))


def as_sequence(planes: Tensor) -> Tensor:
    """Planes [batch, width, rows, columns] as states [batch, rows · columns, width].

    Example:
        >>> as_sequence(torch.zeros(2, 8, 3, 5)).shape
        torch.Size([2, 15, 8])
    """
    return planes.flatten(2).transpose(1, 2).contiguous()

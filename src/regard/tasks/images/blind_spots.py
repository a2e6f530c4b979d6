"""Learning to denoise from noisy images alone: hide pixels, predict them from what is around.

A network that does not see a pixel cannot predict its noise, only what lies under it: where the noise of
pixels is independent and zero on average, the error at hidden pixels is the error against the clean image
plus a constant (Batson & Royer 2019, Proposition 1).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F

from regard.tasks.images.measures.restoration import blurred


class BlindSpotConfig(BaseModel):
    """Which pixels are hidden.

    Attributes:
        scheme: `"grid"`: every `period`-th pixel of every `period`-th row, from a place drawn for each image.
            `"random"`: a share of 1 / period² of the pixels, each drawn by itself.
        period: of the grid; 2 or more, so that no neighbour of a hidden pixel is hidden.

    Example:
        >>> BlindSpotConfig().period
        4
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    scheme: Literal["grid", "random"] = "grid"
    period: int = Field(default=4, ge=2)


class Masked(NamedTuple):
    """Images with hidden pixels.

    Attributes:
        images: [batch, channels, rows, columns], each hidden pixel the mean of its neighbours that are not.
        mask: [batch, 1, rows, columns], bool: the hidden pixels, where the loss is taken.
    """

    images: Tensor
    mask: Tensor


def blind_spots(images: Tensor, config: BlindSpotConfig, generator: torch.Generator) -> Masked:
    """Hide pixels; a function of the images and the generator's state.

    Args:
        images: [batch, channels, rows, columns], noisy.
        config: which pixels.
        generator: of the random numbers, on the device of the images.

    Example:
        >>> masked = blind_spots(torch.rand(1, 1, 8, 8), BlindSpotConfig(), torch.Generator().manual_seed(0))
        >>> masked.mask.sum().item()
        4
    """
    batch, _, rows, columns = images.shape
    if config.scheme == "grid":
        phases = torch.randint(config.period, (2, batch), generator=generator, device=images.device)
        mask = grid_mask(rows, columns, config.period, phases[0], phases[1])
    else:
        drawn = torch.rand((batch, 1, rows, columns), generator=generator, device=images.device)
        mask = drawn < 1 / config.period**2
    return Masked(hidden(images, mask), mask)


def grid_mask(rows: int, columns: int, period: int, row: Tensor, column: Tensor) -> Tensor:
    """Every `period`-th pixel both ways, from (row, column) on.

    Args:
        rows, columns: of the image.
        period: of the grid.
        row, column: [batch], where it begins in each image.

    Returns:
        [batch, 1, rows, columns], bool.

    Example:
        >>> grid_mask(2, 4, 2, torch.tensor([1]), torch.tensor([0]))[0, 0].int().tolist()
        [[0, 0, 0, 0], [1, 0, 1, 0]]
    """
    down = torch.arange(rows, device=row.device) % period == row[:, None]
    across = torch.arange(columns, device=row.device) % period == column[:, None]
    return (down[:, :, None] & across[:, None, :])[:, None]


def hidden(images: Tensor, mask: Tensor) -> Tensor:
    """Masked pixels as the mean of their neighbours that are not, corners with half the weight of sides.

    Hidden neighbours are left out of the mean: not even through it does a hidden value reach the network.
    A pixel whose neighbours are all hidden becomes the mean of the image's other pixels.

    Args:
        images: [batch, channels, rows, columns].
        mask: [batch, 1, rows, columns], bool.

    Example:
        >>> image = torch.tensor([[[[1.0, 9.0, 3.0]]]])
        >>> hidden(image, torch.tensor([[[[False, True, False]]]])).tolist()
        [[[[1.0, 2.0, 3.0]]]]
    """
    seen = (~mask).to(images.dtype)
    # A hidden pixel is 0 here, so that its own weight in this window does not matter.
    sums, weights = (blurred(F.pad(x, (1, 1, 1, 1)), (1.0, 2.0, 1.0)) for x in (images * seen, seen))
    means = (images * seen).sum((2, 3), keepdim=True) / seen.sum((2, 3), keepdim=True).clamp(min=1)
    around = torch.where(weights > 0, sums / weights.clamp(min=1), means)
    return torch.where(mask, around, images)

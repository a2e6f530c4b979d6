"""Restoration by inpainting: what cannot be guessed from around it is an anomaly (RIAD).

The image's squares are dealt into sets; a network restores each set from the rest (Zavrtanik et al. 2021b).
In training one set is removed; in use each set in turn, and the restored squares make one image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from regard.errors import UserError


class RemovalConfig(BaseModel):
    """What is removed.

    Attributes:
        squares: sides of the squares, in pixels. Training draws one for each batch; in use an image is
            restored with each, and the maps' mean is taken. Those of which an image has fewer than `sets` are
            passed over.
        sets: how many sets the squares are dealt into.

    Example:
        >>> RemovalConfig().fitting(28, 28), RemovalConfig().fitting(7, 7)
        ((2, 4, 8, 16), (2, 4))
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    squares: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(2, 4, 8, 16), min_length=1)
    sets: int = Field(default=3, ge=2)

    def fitting(self, rows: int, columns: int) -> tuple[int, ...]:
        """The squares of which an image of that size has enough.

        Raises:
            UserError: there are none.
        """
        fitting = tuple(side for side in self.squares if -(-rows // side) * -(-columns // side) >= self.sets)
        if not fitting:
            raise UserError(
                f"an image of {rows} × {columns} pixels has no {self.sets} squares of side "
                f"{min(self.squares)}: take smaller removal.squares or fewer removal.sets"
            )
        return fitting


def region_sets(
    batch: int, rows: int, columns: int, generator: torch.Generator, *, square: int, sets: int = 3
) -> Tensor:
    """Deal the squares of a grid into sets of equal size, give or take one.

    Args:
        batch: how many grids, each dealt by itself.
        rows, columns: of the image, of any size: squares at its end are cut off.
        generator: of the random numbers; sets are made on its device.
        square: side of a square, in pixels.
        sets: how many.

    Returns:
        [batch, sets, rows, columns], bool: each pixel in exactly one set.

    Raises:
        ValueError: a side under 1, or more sets than squares.

    Example:
        >>> dealt = region_sets(1, 6, 6, torch.Generator().manual_seed(0), square=2, sets=3)
        >>> dealt.sum((2, 3)).tolist(), dealt.sum(1).unique().tolist()
        ([[12, 12, 12]], [1])
    """
    if square < 1:
        raise ValueError(f"squares of {square} pixels; take 1 or more")
    down, across = -(-rows // square), -(-columns // square)
    if not 1 <= sets <= down * across:
        raise ValueError(f"{sets} sets of {down * across} squares: take fewer sets or a smaller square")
    order = torch.rand((batch, down * across), generator=generator, device=generator.device).argsort(1)
    dealt = (order % sets).view(batch, 1, down, across)
    dealt = dealt.repeat_interleave(square, 2).repeat_interleave(square, 3)[:, :, :rows, :columns]
    return dealt == torch.arange(sets, device=dealt.device).view(-1, 1, 1)


def removed(
    images: Tensor, generator: torch.Generator, *, square: int, sets: int = 3
) -> tuple[Tensor, Tensor]:
    """Images without one set of their squares, for training.

    Args:
        images: [batch, channels, rows, columns].
        generator: of the random numbers, on the device of the images.
        square: side of a square, in pixels.
        sets: a share of 1 / sets is removed.

    Returns:
        Images, 0 where something is removed, and the mask of it [batch, 1, rows, columns], bool.

    Raises:
        ValueError: a side under 1, or more sets than squares.

    Example:
        >>> images, mask = removed(torch.ones(2, 1, 8, 8), torch.Generator().manual_seed(0), square=4, sets=2)
        >>> mask.shape, images.sum().item()  # half of 128 pixels are left
        (torch.Size([2, 1, 8, 8]), 64.0)
    """
    batch, _, rows, columns = images.shape
    mask = region_sets(batch, rows, columns, generator, square=square, sets=sets)[:, :1]
    return torch.where(mask, 0, images), mask


def restored_from_around(model: Callable[[Tensor], Tensor], images: Tensor, regions: Tensor) -> Tensor:
    """Each set of regions as a model restores it from the rest: one pass a set.

    Args:
        model: [batch, channels, rows, columns] to the same.
        images: [batch, channels, rows, columns].
        regions: [batch, sets, rows, columns], bool, as `region_sets` deals them.

    Example:
        >>> regions = region_sets(1, 4, 4, torch.Generator().manual_seed(0), square=2, sets=2)
        >>> restored_from_around(lambda x: x + 1, torch.ones(1, 1, 4, 4), regions).unique()
        tensor([1.])
    """
    result = torch.zeros_like(images)
    for number in range(regions.shape[1]):
        mask = regions[:, number : number + 1]
        result = torch.where(mask, model(torch.where(mask, 0, images)).to(result.dtype), result)
    return result

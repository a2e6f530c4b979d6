"""Where a patch stands: vectors of a grid of positions, stretched to grids of other sizes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.nn.grid_sinusoids import grid_sinusoids

Grid = tuple[int, int]
"""Rows and columns."""


class GridPositions(nn.Module):
    """Base of the positions that are added to patches: a table [rows, columns, width].

    A grid of another size gets the table stretched over it (bicubic interpolation), so that the corners of an
    image stay its corners (Dosovitskiy et al. 2021, §3.2).
    """

    table: Tensor

    def forward(self, grid: Grid) -> Tensor:
        """Vectors [rows · columns, width] of a grid, row by row."""
        if tuple(grid) == tuple(self.table.shape[:2]):
            return self.table.flatten(0, 1)
        planes = self.table.permute(2, 0, 1)[None]
        stretched = F.interpolate(planes, size=grid, mode="bicubic", align_corners=False)
        return stretched[0].flatten(1).t()

    def extra_repr(self) -> str:
        """Size of the table, for printing."""
        rows, columns, width = self.table.shape
        return f"rows={rows}, columns={columns}, width={width}"


class LearnedGrid(GridPositions):
    """One learned vector a place (Dosovitskiy et al. 2021, §3.1).

    Example:
        >>> positions = LearnedGrid(4, grid=(2, 3))
        >>> positions((2, 3)).shape, positions((4, 6)).shape
        (torch.Size([6, 4]), torch.Size([24, 4]))
    """

    def __init__(self, width: int, grid: Grid) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(*grid, width))
        nn.init.normal_(self.table, std=0.02)


class SinusoidalGrid(GridPositions):
    """Sines and cosines of the row in the first half of the channels, of the column in the second.

    (Chen, Xie & He 2021, §4.1: fixed 2-D positions.)

    Raises:
        ValueError: the width is no multiple of 4.

    Example:
        >>> SinusoidalGrid(4, grid=(2, 2))((2, 2))[2]  # row 1, column 0
        tensor([0.8415, 0.5403, 0.0000, 1.0000])
    """

    def __init__(self, width: int, grid: Grid) -> None:
        super().__init__()
        self.register_buffer("table", grid_sinusoids(*grid, width).view(*grid, width), persistent=False)

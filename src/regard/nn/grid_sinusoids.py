"""Where a position stands on a grid, as sines and cosines."""

from __future__ import annotations

import torch
from torch import Tensor

from regard.nn.positions import Sinusoidal


def grid_sinusoids(rows: int, columns: int, width: int) -> Tensor:
    """Half of the channels tell the row, half the column, each as Vaswani et al. (2017, §3.5) tell positions.

    Args:
        rows: of the grid.
        columns: of the grid.
        width: channels, a multiple of 4.

    Returns:
        [rows · columns, width], row by row.

    Raises:
        ValueError: the width is no multiple of 4.

    Example:
        >>> grid_sinusoids(2, 3, 8)[4, [0, 4]]  # row 1, column 1: the sine of 1, twice
        tensor([0.8415, 0.8415])
    """
    if width % 4:
        raise ValueError(
            f"sines and cosines of a row and of a column take channels by fours: the width is {width}"
        )
    table = Sinusoidal(width // 2, max(rows, columns)).table
    return torch.cat([table[:rows].repeat_interleave(columns, 0), table[:columns].repeat(rows, 1)], 1)

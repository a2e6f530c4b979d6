"""Long rows of figures in fewer columns."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor


def binned(values: Tensor, most: int, how: Literal["mean", "sum"]) -> Tensor:
    """Neighbouring columns together, as evenly as can be, where there are more than ``most``.

    Args:
        values: [rows, columns].
        most: columns to keep.
        how: of the columns that fall together the mean, or the sum.

    Example:
        >>> binned(torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]]), 2, "sum")
        tensor([[6., 9.]])
    """
    columns = values.shape[1]
    if columns <= most:
        return values.float()
    at = bins(columns, most)
    sums = torch.zeros(len(values), most, dtype=torch.float64).index_add_(1, at, values.double())
    return (sums if how == "sum" else sums / at.bincount(minlength=most)).float()


def bins(columns: int, most: int) -> Tensor:
    """Which of ``most`` bins each column falls into, [columns].

    Example:
        >>> bins(5, 2)
        tensor([0, 0, 0, 1, 1])
    """
    return torch.arange(columns) * min(most, columns) // columns

"""Principal components: the directions along which vectors differ most."""

from __future__ import annotations

import torch
from torch import Tensor


def principal_directions(vectors: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The mean of vectors, and the directions along which they differ most (PCA).

    Args:
        vectors: [rows, width].
        count: how many directions; fewer where there are no more rows or columns.

    Returns:
        Float64: mean [width], and directions [width, count], each of length one and of a sign that does not
        depend on the library: its largest entry is positive.

    Example:
        >>> mean, directions = principal_directions(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), 1)
        >>> mean.tolist(), [round(x, 6) for x in directions.flatten().tolist()]
        ([1.5, 2.0], [0.6, 0.8])
    """
    vectors = vectors.detach().double()
    mean = vectors.mean(0)
    directions = torch.linalg.svd(vectors - mean, full_matrices=False).Vh[:count].T
    largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
    return mean, directions * largest.sign()

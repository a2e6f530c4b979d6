"""A matrix for all heads, or one for each."""

from __future__ import annotations

import torch
from torch import Tensor


def project(x: Tensor, weight: Tensor) -> Tensor:
    """Multiply x by W, of which no copies are made (broadcasting in `matmul` makes one a row).

    Args:
        x: [batch, heads, length, dim].
        weight: [heads or 1, dim, out]; taken in x's dtype.

    Returns:
        [batch, heads, length, out].

    Example:
        >>> project(torch.ones(2, 3, 4, 5), torch.ones(1, 5, 6)).shape
        torch.Size([2, 3, 4, 6])
    """
    weight = weight.to(x.dtype)
    if weight.shape[0] == 1:
        return torch.matmul(x, weight[0])
    batch, heads, length, dim = x.shape
    rows = x.transpose(0, 1).reshape(heads, batch * length, dim)
    return torch.bmm(rows, weight).view(heads, batch, length, weight.shape[2]).transpose(0, 1)

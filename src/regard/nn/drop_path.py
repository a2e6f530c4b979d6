"""Stochastic depth: a residual connection without its change, for some rows."""

from __future__ import annotations

import torch
from torch import Tensor


def drop_path(x: Tensor, change: Tensor, probability: float, training: bool = True) -> Tensor:
    """x + change, where each row of the batch goes without its change with `probability` (Huang et al. 2016).

    The changes that stay are divided by 1 - probability, so that the mean is x + change. One number is drawn
    for a row, and one pass scales and adds.

    Args:
        x: [batch, ...], what goes around the sub-layer.
        change: of the same shape, what the sub-layer adds.
        probability: in [0, 1).
        training: `False` adds every change as it is.

    Raises:
        ValueError: the probability is outside [0, 1).

    Example:
        >>> drop_path(torch.zeros(2, 3), torch.ones(2, 3), 0.5, training=False)
        tensor([[1., 1., 1.],
                [1., 1., 1.]])
    """
    if not 0.0 <= probability < 1.0:
        raise ValueError(f"drop_path is {probability}, not in [0, 1)")
    if not training or probability == 0.0:
        return x + change
    rows = (x.shape[0], *[1] * (x.dim() - 1))
    keep = torch.empty(rows, dtype=change.dtype, device=change.device).bernoulli_(1.0 - probability)
    # Zeros and ones are exact in any dtype; the factor, as a plain number, is applied before rounding.
    return torch.addcmul(x, change, keep, value=1.0 / (1.0 - probability))

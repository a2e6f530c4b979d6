"""Attention rollout: what the layers of a stack look at together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def rollout(layers: Sequence[Tensor], *, residual: float = 0.5) -> Tensor:
    """Multiply attention through the layers, residual connections counted in (Abnar & Zuidema 2020, §3).

    Each layer passes on A' = residual · I + (1 - residual) · A, of A the mean over heads with rows that sum
    to one; the rollout is the product of all A', the last layer first.

    Args:
        layers: weights of self-attention, [heads, positions, positions] each, the first layer first.
        residual: share of a state that comes past the attention.

    Returns:
        [positions, positions]; a row sums to one.

    Raises:
        ValueError: no layers, layers of several sizes, or a share outside [0, 1].

    Example:
        >>> swap = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> rollout([swap, swap])
        tensor([[0.5000, 0.5000],
                [0.5000, 0.5000]])
    """
    if not layers:
        raise ValueError("a rollout takes one layer at least")
    if not 0.0 <= residual <= 1.0:
        raise ValueError(f"the residual's share is {residual}, not in [0, 1]")
    sizes = {tuple(weights.shape[-2:]) for weights in layers}
    if len(sizes) > 1 or len(set(sizes.pop())) > 1:
        raise ValueError("a rollout takes self-attention of one sequence: [heads, positions, positions] each")
    joined = None
    for weights in layers:
        mean = weights.mean(0)
        mean = mean / mean.sum(-1, keepdim=True).clamp_min(torch.finfo(mean.dtype).tiny)
        mixed = residual * torch.eye(len(mean), dtype=mean.dtype) + (1 - residual) * mean
        joined = mixed if joined is None else mixed @ joined
    assert joined is not None
    return joined

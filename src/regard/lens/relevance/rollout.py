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
    first, *others = residual_mix(layers, residual, "rollout")
    for mixed in others:
        first = mixed @ first
    return first


def residual_mix(layers: Sequence[Tensor], residual: float, what: str) -> list[Tensor]:
    """What each layer passes on, [positions, positions] each: of attention and of what comes past it.

    A row without weights, which padding has, passes on itself alone.

    Args:
        layers: see `rollout`.
        residual: see `rollout`.
        what: is computed, for errors.

    Raises:
        ValueError: see `rollout`.

    Example:
        >>> residual_mix([torch.tensor([[[0.0, 4.0], [0.0, 0.0]]])], 0.5, "flow")
        [tensor([[0.5000, 0.5000],
                [0.0000, 1.0000]])]
    """
    if not layers:
        raise ValueError(f"a {what} takes one layer at least")
    if not 0.0 <= residual <= 1.0:
        raise ValueError(f"the residual's share is {residual}, not in [0, 1]")
    sizes = {tuple(weights.shape[-2:]) for weights in layers}
    if len(sizes) > 1 or len(set(sizes.pop())) > 1:
        raise ValueError(f"a {what} takes self-attention of one sequence: [heads, positions, positions] each")
    mixed = []
    for weights in layers:
        mean = weights.mean(0)
        total = mean.sum(-1, keepdim=True)
        itself = torch.eye(len(mean), dtype=mean.dtype)
        mean = torch.where(total > 0, mean / total.clamp_min(torch.finfo(mean.dtype).tiny), itself)
        mixed.append(residual * itself + (1 - residual) * mean)
    return mixed

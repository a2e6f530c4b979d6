"""How far attention reaches in a picture."""

from __future__ import annotations

import torch
from torch import Tensor

from regard.lens.map import AttentionMap
from regard.lens.patch_grid import PatchGrid


def attention_distance(seen: AttentionMap) -> Tensor:
    """Mean distance in pixels from a patch to what it attends to, by head (Dosovitskiy et al. 2021, fig. 7).

    Distances are between middles of patches, weighed by attention and averaged over all patches that look.
    Class token and registers lie nowhere: they neither look nor are looked at here.

    Args:
        seen: self-attention over a picture, its rows all patches.

    Returns:
        [heads].

    Raises:
        ValueError: another kind of map.

    Example:
        >>> grid = PatchGrid(1, 2, image_size=(4, 8))
        >>> attention_distance(AttentionMap("encoder.0.self", torch.full((1, 2, 2), 0.5), grid, grid))
        tensor([2.])
    """
    grid = seen.key_axis
    if not isinstance(grid, PatchGrid) or seen.query_axis != grid:
        raise ValueError(f"{seen.name}: distances take a map from all patches of a picture to all of them")
    first = len(grid.specials)
    weights = seen.weights[:, first:, first:]
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    centres = grid.centres().to(weights.dtype)
    return (weights * torch.cdist(centres, centres)).sum(-1).mean(-1)

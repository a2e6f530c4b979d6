"""How much of each defect a heat map covers: the per-region overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.tasks.images.components import components


def region_overlap(
    maps: Sequence[NDArray[np.floating[Any]]], masks: Sequence[NDArray[np.bool_]], up_to: float = 0.3
) -> float:
    """Area under the mean overlap with connected defects against the share of false pixels, PRO.

    Every defect counts alike, however small, while pixel AUROC follows the large ones (Bergmann et al.
    2020). Exact: every score that occurs is a threshold.

    Args:
        maps: of each image [rows, columns]; the higher, the worse.
        masks: of each image, `True` at defects.
        up_to: the share of good pixels above the threshold at which the area ends; the area is divided by it.

    Raises:
        ValueError: a share outside (0, 1], shapes that differ, or no defect or no good pixel at all.

    Example:
        >>> region_overlap([np.array([[0.9, 0.8, 0.1, 0.2]])], [np.array([[True, False, False, True]])], 1.0)
        0.75
    """
    if not 0.0 < up_to <= 1.0:
        raise ValueError(f"up_to is a share of good pixels in (0, 1], not {up_to}")
    weights, scores, regions = [], [], 0
    for heat, mask in zip(maps, masks, strict=True):
        if heat.shape != mask.shape:
            raise ValueError(f"a mask of {mask.shape} for a map of {heat.shape}")
        labels = components(mask, corners=True)
        sizes = np.bincount(labels.ravel())
        regions += len(sizes) - 1
        share = 1.0 / np.maximum(sizes, 1)
        share[0] = 0.0  # of a good pixel, which is in no region
        weights.append(share[labels].ravel())
        scores.append(np.asarray(heat, dtype=np.float64).ravel())
    weight, score = np.concatenate(weights), np.concatenate(scores)
    good = weight == 0
    if not regions or not good.any():
        raise ValueError(f"there are no {'good' if regions else 'bad'} pixels: nothing to be told apart")
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.diff(score[order], append=-np.inf))  # of each run of equal scores
    overlap = np.concatenate(([0.0], np.cumsum(weight[order])[last] / regions))
    false = np.concatenate(([0.0], np.cumsum(good[order])[last] / good.sum()))
    end = np.interp(up_to, false, overlap)
    inside = false < up_to
    x, y = np.append(false[inside], up_to), np.append(overlap[inside], end)
    return float(np.trapezoid(y, x) / up_to)

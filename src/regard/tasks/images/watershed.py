"""Touching objects cut apart where they are narrow.

In numpy alone: a picture's nuclei are counted right after an installation, without an extra. scikit-image's
watershed is the peer that the tests compare with.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from regard.tasks.images.measures.restoration import blurred, gaussian_window


def cut_where_narrow(labels: NDArray[np.int32], narrow: float) -> NDArray[np.int32]:
    """Cut regions by the watershed of the distance to their outside (Beucher & Lantuéjoul 1979).

    Each pixel climbs to a summit of the distance, smoothed by one pixel. Basins that touch are then joined,
    the highest pass first, unless both summits stand high enough above it: what is left are the watershed's
    parts of the summits that last (a maximum spanning forest; Cousty et al. 2009). A share of the summit's
    height decides, so that small and large objects are cut alike.

    Args:
        labels: [rows, columns], connected regions numbered from 1, 0 outside.
        narrow: two parts stay apart where the pass between them is lower than the lesser summit by more than
            this share of it, in (0, 1).

    Returns:
        [rows, columns]: 0 outside, parts numbered from 1; every region has one at least.

    Example:
        >>> dumb_bell = np.zeros((7, 16), dtype=np.int32)
        >>> dumb_bell[1:6, 1:6] = dumb_bell[1:6, 10:15] = dumb_bell[3, 6:10] = 1
        >>> cut = cut_where_narrow(dumb_bell, 0.1)
        >>> cut.max(), cut[3, 3] == cut[3, 12], cut[3, 3] == cut[1, 1]
        (np.int32(2), np.False_, np.True_)
    """
    inside = labels > 0
    if not inside.any():
        return labels
    heights = _heights(inside)
    summit = _summits(heights, labels)
    parts = _joined(_passes(summit, heights, inside), heights.ravel(), narrow)
    _, numbers = np.unique(parts[summit[inside]], return_inverse=True)
    cut = np.zeros(labels.shape, dtype=np.int32)
    cut[inside] = numbers + 1
    return cut


def distance_inside(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of each pixel in a mask, the distance to the nearest pixel outside; exact.

    The picture's edge is no outside: an object may go on beyond it.

    Args:
        mask: [rows, columns].

    Returns:
        [rows, columns], in pixels, 0 outside; the picture's diagonal where there is no outside at all.

    Example:
        >>> distance_inside(np.array([[0, 1, 1, 1]], dtype=bool)).tolist()
        [[0.0, 1.0, 2.0, 3.0]]
    """
    rows, columns = mask.shape
    row = np.arange(rows, dtype=np.float64)[:, None]
    above = np.maximum.accumulate(np.where(mask, -np.inf, row), axis=0)
    below = np.minimum.accumulate(np.where(mask, np.inf, row)[::-1], axis=0)[::-1]
    within_column = np.minimum(row - above, below - row) ** 2
    # No pixel is further away than the diagonal, so what is capped there is never nearer than it should be.
    return np.asarray(np.sqrt(_lower_envelope(np.minimum(within_column, rows**2 + columns**2))))


def _lower_envelope(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each column x the least of heights[i] + (x - i)² over all columns i, row by row.

    In linear time (Felzenszwalb & Huttenlocher 2012, §2.1), all rows in step: from the left, the parabolas
    that are the lowest somewhere, and where each begins to be.
    """
    rows, columns = heights.shape
    every = np.arange(rows)
    at_zero = heights + np.arange(columns) ** 2
    lowest = np.zeros((rows, columns), dtype=np.int32)
    begins = np.full((rows, columns + 1), np.inf)
    begins[:, 0] = -np.inf
    last = np.zeros(rows, dtype=np.intp)
    for column in range(1, columns):
        begin = np.empty(rows)
        left = every
        while len(left):  # rows in which the newest parabola may hide the one before it
            before = lowest[left, last[left]]
            begin[left] = (at_zero[left, column] - at_zero[left, before]) / (2 * (column - before))
            left = left[begin[left] <= begins[left, last[left]]]
            last[left] -= 1
        last += 1
        lowest[every, last], begins[every, last], begins[every, last + 1] = column, begin, np.inf
    found = np.empty_like(heights)
    last[:] = 0
    for column in range(columns):
        left = every
        while len(left := left[begins[left, last[left] + 1] < column]):
            last[left] += 1
        nearest = lowest[every, last]
        found[:, column] = heights[every, nearest] + (column - nearest) ** 2
    return found


def _heights(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The distance to the outside, smoothed by one pixel."""
    distance = torch.from_numpy(distance_inside(inside))
    padded = F.pad(distance[None], (4, 4, 4, 4), mode="replicate")[0]
    smooth: NDArray[np.float64] = blurred(padded, gaussian_window(9, 1.0)).numpy()
    return smooth


def _summits(heights: NDArray[np.float64], labels: NDArray[np.int32]) -> NDArray[np.intp]:
    """Where each pixel ends when it climbs to its highest neighbour in the region, again and again."""
    order = np.argsort(heights, axis=None, kind="stable")
    # A strict order of pixels: nothing is a tie. No picture has more than 2^31, so four bytes hold a rank.
    rank = np.empty(order.shape, dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rank = rank.reshape(labels.shape)
    highest = rank.copy()
    around, regions = np.pad(rank, 1), np.pad(labels, 1, constant_values=-1)
    rows, columns = labels.shape
    for down, across in itertools.product(range(3), repeat=2):
        there = slice(down, down + rows), slice(across, across + columns)
        np.maximum(highest, np.where(regions[there] == labels, around[there], -1), out=highest)
    summit = order[highest.ravel()]
    while not np.array_equal(further := summit[summit], summit):
        summit = further
    return np.asarray(summit.reshape(rank.shape))


def _passes(
    summit: NDArray[np.intp], heights: NDArray[np.float64], inside: NDArray[np.bool_]
) -> dict[tuple[int, int], float]:
    """Height of the highest pass between every two basins that touch, by their summits; falling."""
    pairs, passes = [], []
    whole, first, rest = slice(None), slice(-1), slice(1, None)
    for here, there in (((first, whole), (rest, whole)), ((whole, first), (whole, rest))):
        border = inside[here] & inside[there] & (summit[here] != summit[there])
        pairs.append(np.sort((summit[here][border], summit[there][border]), axis=0))
        passes.append(np.minimum(heights[here][border], heights[there][border]))
    one, other = np.concatenate(pairs, axis=1)
    height = np.concatenate(passes)
    rising = np.argsort(height, kind="stable")
    # The last of a pair's entries, its highest pass, is the one that a dictionary keeps.
    last = dict(
        zip(
            zip(one[rising].tolist(), other[rising].tolist(), strict=True),
            height[rising].tolist(),
            strict=True,
        )
    )
    return dict(sorted(last.items(), key=lambda item: -item[1]))


def _joined(
    passes: dict[tuple[int, int], float], heights: NDArray[np.float64], narrow: float
) -> NDArray[np.intp]:
    """Of each summit the one that its part has as the highest."""
    parent: dict[int, int] = {}

    def highest(node: int) -> int:
        while (above := parent.get(node, node)) != node:
            parent[node] = node = parent.get(above, above)
        return node

    for (one, other), height in passes.items():
        lesser, greater = sorted((highest(one), highest(other)), key=lambda node: heights[node])
        if height >= (1 - narrow) * heights[lesser]:
            parent[lesser] = greater
    part = np.arange(len(heights))
    for node in parent:
        part[node] = highest(node)
    return part

"""Connected regions of a mask.

In numpy alone: counting objects in a picture needs no extra. scikit-image's and scipy's labels are the
same; the tests compare them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def components(mask: NDArray[np.bool_], corners: bool = False) -> NDArray[np.int32]:
    """Number the connected regions of a mask.

    Runs of pixels in a row are found first, then runs that touch in neighbouring rows are joined: memory
    and time follow the number of runs, not the pixels in a region.

    Args:
        mask: [rows, columns].
        corners: whether pixels that touch at a corner are connected.

    Returns:
        [rows, columns]: 0 outside, regions numbered from 1 in the order of their first pixels.

    Raises:
        ValueError: not two axes.

    Example:
        >>> components(np.array([[1, 0, 1], [1, 0, 0], [0, 1, 1]], dtype=bool)).tolist()
        [[1, 0, 2], [1, 0, 0], [0, 3, 3]]
        >>> components(np.array([[1, 0], [0, 1]], dtype=bool), corners=True).max()
        np.int32(1)
    """
    if mask.ndim != 2:
        raise ValueError(f"a mask has two axes, not {mask.ndim}")
    # One empty column more keeps runs of neighbouring rows apart when rows are laid end to end.
    stride = mask.shape[1] + 1
    flat = np.zeros(mask.shape[0] * stride + 1, dtype=np.int8)
    flat[1:].reshape(mask.shape[0], stride)[:, :-1] = mask
    change = np.diff(flat, append=np.int8(0))
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    reach = int(corners)
    first = np.searchsorted(ends, starts + stride - reach, side="right")
    last = np.searchsorted(starts, ends + stride + reach, side="left")
    touching = np.maximum(last - first, 0)
    above = np.repeat(np.arange(len(starts)), touching)
    below = np.arange(len(above)) - np.repeat(np.cumsum(touching) - touching, touching)
    below += np.repeat(first, touching)
    _, region = np.unique(_joined(len(starts), above, below), return_inverse=True)
    labels = np.zeros(mask.shape[0] * stride, dtype=np.int32)
    lengths = ends - starts
    inside = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    labels[inside] = np.repeat(region + 1, lengths)
    return np.ascontiguousarray(labels.reshape(mask.shape[0], stride)[:, :-1])


def _joined(nodes: int, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each node the lowest node that edges (one, other) connect it with.

    Every round hooks each root onto the lowest root next to it, then lets all nodes point to their roots
    (Shiloach and Vishkin 1982): few rounds, each a handful of array operations.
    """
    root = np.arange(nodes)
    while True:
        a, b = root[one], root[other]
        apart = a != b
        if not apart.any():
            return root
        one, other = one[apart], other[apart]
        np.minimum.at(root, np.maximum(a[apart], b[apart]), np.minimum(a[apart], b[apart]))
        while (further := root[root]).tobytes() != root.tobytes():
            root = further

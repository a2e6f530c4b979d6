"""How many pixels each pair of segments of two segmentations shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Contingency:
    """Pairs of segments that share a pixel.

    Attributes:
        truth: [pairs], the segment of the truth.
        found: [pairs], the segment of the segmentation to be scored.
        shared: [pairs], pixels in both.

    Example:
        >>> pairs = Contingency.of(np.array([[1, 1, 2]]), np.array([[4, 0, 4]]))
        >>> pairs.truth.tolist(), pairs.found.tolist(), pairs.shared.tolist()
        ([1, 1, 2], [0, 4, 4], [1, 1, 1])
    """

    truth: NDArray[np.int64]
    found: NDArray[np.int64]
    shared: NDArray[np.int64]

    @classmethod
    def of(cls, truth: NDArray[np.integer[Any]], found: NDArray[np.integer[Any]]) -> Contingency:
        """Count the pairs of two label pictures of one shape.

        Raises:
            ValueError: their shapes differ, or a label is negative.
        """
        if truth.shape != found.shape:
            raise ValueError(f"labels {found.shape} for a truth of {truth.shape}")
        if truth.size and min(int(truth.min()), int(found.min())) < 0:
            raise ValueError("labels of segments are 0 or more")
        width = int(found.max(initial=0)) + 1
        pairs = truth.astype(np.int64).ravel() * width + found.ravel()
        codes, shared = np.unique(pairs, return_counts=True)
        return cls(codes // width, codes % width, shared)

"""How many objects were found, missed or made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.tasks.images.measures.contingency import Contingency

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
"""Of the 2018 Data Science Bowl: 0.5, 0.55, …, 0.95."""


@dataclass
class Objects:
    """Objects found against objects there are, image after image.

    An object is found where its intersection over union with one of the segmentation is above a threshold;
    from 0.5 on, each object can have one such partner at most. With hits, false alarms and misses counted
    so, an image's precision at a threshold is hits / (hits + false alarms + misses), and its score the mean
    over ten thresholds (2018 Data Science Bowl; Caicedo et al. 2019, Methods). An image that has no object
    and where none is found scores 1.

    Attributes:
        there: objects of each image.
        found: objects of the segmentation of each image.
        hits: of each image [thresholds], at `THRESHOLDS`.

    Example:
        >>> objects = Objects()
        >>> objects.add(np.array([[1, 1, 0, 2]]), np.array([[3, 3, 0, 0]]))
        >>> objects.figures()["object_f1"], objects.figures()["object_precision"]
        (0.6666666666666666, 0.5)
    """

    there: list[int] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    hits: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, truth: NDArray[np.integer[Any]], found: NDArray[np.integer[Any]]) -> None:
        """Count an image.

        Args:
            truth: [rows, columns], an object's number at each of its pixels, 0 where there is none.
            found: the same, of the segmentation.

        Raises:
            ValueError: their shapes differ, or a label is negative.
        """
        overlaps = _overlaps(truth, found)
        self.there.append(len(np.setdiff1d(truth, 0)))
        self.found.append(len(np.setdiff1d(found, 0)))
        self.hits.append(np.array([(overlaps > threshold).sum() for threshold in THRESHOLDS]))

    def precisions(self) -> NDArray[np.float64]:
        """[images, thresholds]: hits / (hits + false alarms + misses)."""
        hits = np.array(self.hits, dtype=np.float64).reshape(-1, len(THRESHOLDS))
        all_of_them = (np.array(self.there) + np.array(self.found))[:, None] - hits
        return np.asarray(np.divide(hits, all_of_them, out=np.ones_like(hits), where=all_of_them > 0))

    def f1(self) -> float:
        """2·hits / (objects there + objects found) at IoU 0.5, over all images; NaN for none."""
        objects = sum(self.there) + sum(self.found)
        return 2 * sum(int(hits[0]) for hits in self.hits) / objects if objects else float("nan")

    def figures(self) -> dict[str, float]:
        """F1 and precision at IoU 0.5, the Bowl's score, and the mean error of an image's count.

        Raises:
            ValueError: no image was added.
        """
        if not self.hits:
            raise ValueError("no image was added: there is nothing to score")
        precisions = self.precisions()
        return {
            "object_f1": self.f1(),
            "object_precision": float(precisions[:, 0].mean()),
            "object_score": float(precisions.mean()),
            "count_error": count_error(self.there, self.found),
        }


def count_error(there: Sequence[int], found: Sequence[int]) -> float:
    """Mean absolute error of the number of objects in an image.

    Example:
        >>> count_error([10, 4], [9, 4])
        0.5
    """
    return float(np.abs(np.subtract(there, found)).mean())


def _overlaps(truth: NDArray[np.integer[Any]], found: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Intersection over union of every pair of objects that share a pixel."""
    pairs = Contingency.of(truth, found)
    sizes = np.bincount(pairs.truth, pairs.shared), np.bincount(pairs.found, pairs.shared)
    real = (pairs.truth > 0) & (pairs.found > 0)
    shared = pairs.shared[real]
    return np.asarray(shared / (sizes[0][pairs.truth[real]] + sizes[1][pairs.found[real]] - shared))

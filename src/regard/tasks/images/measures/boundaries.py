"""ISBI 2012's scores of a boundary map: does it split and merge cells where it should not?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.errors import from_extra
from regard.tasks.images.components import components
from regard.tasks.images.measures.contingency import Contingency

CHALLENGE_THRESHOLDS = tuple(round(0.1 * i, 1) for i in range(1, 10))


class Agreement(NamedTuple):
    """How far two segmentations agree, each in [0, 1], 1 the best.

    Attributes:
        rand: V^Rand.
        information: V^Info.
    """

    rand: float
    information: float


def agreement(truth: NDArray[np.integer[Any]], found: NDArray[np.integer[Any]]) -> Agreement:
    """Foreground-restricted Rand and information scores (Arganda-Carreras et al. 2015, Metrics).

    With p_ij the share of pixels in segment i of `found` and j of `truth`, s_i and t_j the sums over the
    other: V^Rand = Σp_ij² / (½Σs_i² + ½Σt_j²) and V^Info = I(S;T) / (½H(S) + ½H(T)). Only pixels in a
    segment of the truth count (the foreground restriction). A pixel there that `found` calls border is a
    segment of its own, as in the challenge's own programme.

    scikit-image's `adapted_rand_error` leaves pairs of a pixel with itself out and takes all border pixels
    for one segment; the tests compare with it where there are none.

    Args:
        truth: [rows, columns], a segment's number at each of its pixels, 0 at borders.
        found: the same, of the segmentation.

    Returns:
        Both scores; two single segments agree in full, of which information theory says nothing (0/0).

    Raises:
        ValueError: shapes differ, a label is negative, or the truth has no segment.

    Example:
        >>> halves, whole = np.array([[1, 1, 2, 2]]), np.array([[1, 1, 1, 1]])
        >>> agreement(halves, halves)
        Agreement(rand=1.0, information=1.0)
        >>> [round(score, 3) for score in agreement(halves, whole)]  # merged: (¼+¼) / (½·1 + ½·½)
        [0.667, 0.0]
    """
    pairs = Contingency.of(truth, found)
    inside = pairs.truth > 0
    if not inside.any():
        raise ValueError("the truth has no segment, only border: there is nothing to score")
    segment = pairs.found[inside] > 0
    total = pairs.shared[inside].sum()
    alone = int(pairs.shared[inside][~segment].sum())  # pixels that are segments of their own
    joint = _shares(pairs.shared[inside][segment], alone, total)
    truths = _shares(np.bincount(pairs.truth[inside], pairs.shared[inside]), 0, total)
    founds = _shares(np.bincount(pairs.found[inside][segment], pairs.shared[inside][segment]), alone, total)
    rand = joint.square / (0.5 * founds.square + 0.5 * truths.square)
    entropies = founds.entropy + truths.entropy
    if entropies <= 0.0:
        return Agreement(rand, 1.0)
    return Agreement(rand, max(0.0, 2 * (entropies - joint.entropy) / entropies))


class _Shares(NamedTuple):
    square: float
    entropy: float


def _shares(sizes: NDArray[Any], alone: int, total: int) -> _Shares:
    """Σp² and -Σp·ln p of segments of these sizes and of `alone` segments of one pixel."""
    p = sizes[sizes > 0] / total
    return _Shares(
        float((p * p).sum() + alone / total**2),
        float(-(p * np.log(p)).sum() + alone / total * np.log(total)),
    )


def thinned(cells: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Cells numbered, their borders thinned to one pixel: how thick a border is drawn counts for nothing.

    The watershed of the border map that starts from the connected cells (Arganda-Carreras et al. 2015,
    Border thinning); borders that end within a cell go.

    Args:
        cells: [rows, columns], `False` at borders.

    Returns:
        [rows, columns]: cells numbered from 1, 0 at borders.

    Raises:
        UserError: scikit-image is not installed.
    """
    segmentation = from_extra("skimage.segmentation", "images")
    markers = components(cells)
    lines: NDArray[np.int32] = segmentation.watershed(~cells, markers, connectivity=1, watershed_line=True)
    return lines


def challenge_scores(
    cells: Iterable[NDArray[np.bool_]],
    probabilities: Sequence[NDArray[np.floating[Any]]],
    thresholds: Sequence[float] = CHALLENGE_THRESHOLDS,
) -> dict[str, float]:
    """V^Rand and V^Info after border thinning, each at its best threshold: ISBI 2012's leader board.

    A threshold's score is the mean over slices; the best threshold is one for all slices.

    Args:
        cells: of each slice [rows, columns], the truth: `False` at membranes. These borders stay as they are.
        probabilities: of each slice [rows, columns], that a pixel is inside a cell.
        thresholds: to try.

    Returns:
        `rand`, `information`, and the thresholds they were reached at.

    Raises:
        UserError: scikit-image is not installed.
        ValueError: numbers or shapes of slices differ, or a slice has no cell.
    """
    truths = [components(np.asarray(slice_)) for slice_ in cells]
    by_threshold = [
        [
            agreement(truth, thinned(np.asarray(slice_) > threshold))
            for truth, slice_ in zip(truths, probabilities, strict=True)
        ]
        for threshold in thresholds
    ]
    scores = np.array(by_threshold, dtype=np.float64).mean(1)  # [thresholds, 2]
    best = scores.argmax(0)
    return {
        "rand": float(scores[best[0], 0]),
        "information": float(scores[best[1], 1]),
        "rand_threshold": thresholds[int(best[0])],
        "information_threshold": thresholds[int(best[1])],
    }

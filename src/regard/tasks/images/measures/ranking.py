"""How well scores tell bad from good: area under the ROC curve, average precision."""

from __future__ import annotations

import torch
from torch import Tensor


def auroc(scores: Tensor, bad: Tensor) -> float:
    """Area under the ROC curve: how often a bad one scores above a good one, ties counting half.

    Exact, in O(n log n) (the Mann-Whitney statistic; Hanley and McNeil 1982).

    Args:
        scores: any shape; the higher, the worse.
        bad: the same shape, bool.

    Raises:
        ValueError: shapes differ, a score is NaN, or there are only good or only bad ones.

    Example:
        >>> auroc(torch.tensor([0.1, 0.4, 0.4, 0.9]), torch.tensor([False, False, True, True]))
        0.875
    """
    return auroc_of_counts(*_tally(scores, bad))


def average_precision(scores: Tensor, bad: Tensor) -> float:
    """Σ (recall_n - recall_n-1) · precision_n over falling thresholds, without interpolation.

    Args:
        scores: any shape; the higher, the worse.
        bad: the same shape, bool.

    Raises:
        ValueError: shapes differ, a score is NaN, or there are only good or only bad ones.

    Example:
        >>> round(average_precision(torch.tensor([0.1, 0.8, 0.4]), torch.tensor([False, False, True])), 3)
        0.5
    """
    return average_precision_of_counts(*_tally(scores, bad))


def auroc_of_counts(good: Tensor, bad: Tensor) -> float:
    """The same from numbers of good and bad ones [levels] at rising scores.

    Raises:
        ValueError: there are only good or only bad ones.
    """
    good, bad = _both(good, bad)
    below = good.cumsum(0) - good
    return float((bad * (below + good / 2)).sum() / (good.sum() * bad.sum()))


def average_precision_of_counts(good: Tensor, bad: Tensor) -> float:
    """The same from numbers of good and bad ones [levels] at rising scores.

    Raises:
        ValueError: there are only good or only bad ones.
    """
    good, bad = (counts.flip(0) for counts in _both(good, bad))
    found, alarms = bad.cumsum(0), (bad + good).cumsum(0)
    return float((bad * found / alarms.clamp(min=1)).sum() / bad.sum())


def _both(good: Tensor, bad: Tensor) -> tuple[Tensor, Tensor]:
    """Counts as float64, checked."""
    for name, counts in (("good", good), ("bad", bad)):
        if not counts.any():
            raise ValueError(f"there are no {name} ones: nothing to be told apart")
    return good.double(), bad.double()


def _tally(scores: Tensor, bad: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers of good and bad ones at each score that occurs, rising."""
    if scores.shape != bad.shape:
        raise ValueError(f"{tuple(bad.shape)} marks for {tuple(scores.shape)} scores")
    if scores.isnan().any():
        raise ValueError("a score is NaN")
    levels, place = torch.unique(scores.flatten(), return_inverse=True)
    bad = bad.flatten().bool()
    return torch.bincount(place[~bad], minlength=len(levels)), torch.bincount(
        place[bad], minlength=len(levels)
    )

"""AUROC and average precision of more pixels than memory holds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from regard.tasks.images.measures.ranking import auroc_of_counts, average_precision_of_counts

# Sign, exponent and the first 11 bits of the fraction of a float32: scores within 0.05 % share a level.
_BITS = 20
LEVELS = 2**_BITS


@dataclass
class PixelRanking:
    """Counts of good and bad pixels by score, image after image, in constant memory (16 MB).

    A level is the first 20 bits of a score as float32, so that no range has to be known beforehand and
    small scores are told apart as finely as large ones. Scores of one level count as ties: `uncertainty`
    says how far the exact AUROC can be from this one.

    Attributes:
        good: [levels], int64.
        bad: [levels], int64.

    Example:
        >>> ranking = PixelRanking.empty()
        >>> ranking.add(torch.tensor([[0.1, 0.4], [0.4, 0.9]]), torch.tensor([[False, False], [True, True]]))
        >>> ranking.auroc, ranking.uncertainty
        (0.875, 0.125)
    """

    good: Tensor
    bad: Tensor

    @classmethod
    def empty(cls) -> PixelRanking:
        """Nothing counted yet."""
        return cls(torch.zeros(LEVELS, dtype=torch.int64), torch.zeros(LEVELS, dtype=torch.int64))

    def add(self, scores: Tensor, bad: Tensor) -> None:
        """Count pixels.

        Args:
            scores: any shape; the higher, the worse.
            bad: the same shape, bool.

        Raises:
            ValueError: shapes differ, or a score is NaN.
        """
        if scores.shape != bad.shape:
            raise ValueError(f"{tuple(bad.shape)} marks for {tuple(scores.shape)} scores")
        if scores.isnan().any():
            raise ValueError("a score is NaN")
        place, bad = levels_of(scores.detach().cpu().flatten()), bad.cpu().flatten().bool()
        self.good.index_add_(0, place, (~bad).long())
        self.bad.index_add_(0, place, bad.long())

    @property
    def auroc(self) -> float:
        """Area under the ROC curve; scores of one level count as ties."""
        return auroc_of_counts(self.good, self.bad)

    @property
    def average_precision(self) -> float:
        """Average precision; scores of one level count as ties."""
        return average_precision_of_counts(self.good, self.bad)

    @property
    def uncertainty(self) -> float:
        """The most by which `auroc` differs from that of the exact scores: half of the pairs in one level."""
        good, bad = self.good.double(), self.bad.double()
        return float((good * bad).sum() / (2 * good.sum() * bad.sum()))


def levels_of(scores: Tensor) -> Tensor:
    """Levels of scores [n], int64, in [0, LEVELS), in the order of the scores."""
    bits = (scores.float() + 0.0).view(torch.int32)  # -0 becomes 0, which it equals
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # the bits of negative numbers run backwards
    levels: Tensor = (ordered >> (32 - _BITS)).long() + 2 ** (_BITS - 1)
    return levels

"""How often each class was taken for each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Confusion:
    """Counts of (target, prediction), batch after batch.

    Attributes:
        counts: [classes, classes], int64; row is the target, column the prediction.

    Example:
        >>> confusion = Confusion.of(2)
        >>> confusion.add(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]))
        >>> confusion.counts.tolist()
        [[1, 1], [0, 1]]
        >>> round(confusion.accuracy, 3), confusion.recall.tolist()
        (0.667, [0.5, 1.0])
    """

    counts: Tensor

    @classmethod
    def of(cls, classes: int) -> Confusion:
        """Nothing counted yet."""
        return cls(torch.zeros(classes, classes, dtype=torch.int64))

    def add(self, predictions: Tensor, targets: Tensor, ignore: int = -100) -> None:
        """Count a batch.

        Args:
            predictions: class indices, any shape.
            targets: the same shape; what equals `ignore` counts for nothing.

        Raises:
            ValueError: shapes differ, or a class is not in [0, classes).
        """
        self.counts += pair_counts(predictions, targets, len(self.counts), ignore).cpu()

    @property
    def accuracy(self) -> float:
        """Share of predictions that are right; NaN where nothing was counted."""
        return float(self.counts.diagonal().sum() / self.counts.sum())

    @property
    def precision(self) -> Tensor:
        """[classes], float64: share of a class's predictions that are right; NaN for one never predicted."""
        return self.counts.diagonal() / self.counts.sum(0).double()

    @property
    def recall(self) -> Tensor:
        """[classes], float64: share of a class that was found; NaN for a class that never occurs."""
        return self.counts.diagonal() / self.counts.sum(1).double()

    @property
    def f1(self) -> Tensor:
        """[classes], float64: harmonic mean of both; NaN for a class neither predicted nor occurring."""
        return 2 * self.counts.diagonal() / (self.counts.sum(0) + self.counts.sum(1)).double()


def pair_counts(predictions: Tensor, targets: Tensor, classes: int, ignore: int = -100) -> Tensor:
    """Counts [classes, classes] of (target, prediction), int64.

    Raises:
        ValueError: shapes differ, or a class is not in [0, classes).

    Example:
        >>> pair_counts(torch.tensor([1, 1]), torch.tensor([0, -100]), 2).tolist()
        [[0, 1], [0, 0]]
    """
    if predictions.shape != targets.shape:
        raise ValueError(f"predictions {tuple(predictions.shape)} for targets {tuple(targets.shape)}")
    counted = targets != ignore
    for name, values in (("prediction", predictions[counted]), ("target", targets[counted])):
        if values.numel() and not 0 <= int(values.min()) <= int(values.max()) < classes:
            wrong = int(values.max()) if int(values.min()) >= 0 else int(values.min())
            raise ValueError(f"a {name} is class {wrong}; the {classes} classes are 0 to {classes - 1}")
    pairs = targets[counted].long() * classes + predictions[counted].long()
    return torch.bincount(pairs, minlength=classes * classes).view(classes, classes)

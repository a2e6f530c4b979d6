"""Whether a classifier is right as often as it says."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Calibration:
    """Confidence against accuracy in bins of confidence, batch after batch (Guo et al. 2017, §2).

    A prediction's confidence is the probability of its class; bin m of M holds those in ((m-1)/M, m/M].

    Attributes:
        counts: [bins], int64: predictions.
        confidences: [bins], float64: sums of their confidences.
        right: [bins], int64: how many of them were right.

    Example:
        >>> calibration = Calibration.of(bins=10)
        >>> calibration.add(torch.tensor([[0.9, 0.1], [0.1, 0.9]]), torch.tensor([0, 0]))
        >>> round(calibration.error, 3)  # says 0.9, is right half of the time
        0.4
    """

    counts: Tensor
    confidences: Tensor
    right: Tensor

    @classmethod
    def of(cls, bins: int = 15) -> Calibration:
        """Nothing counted yet.

        Raises:
            ValueError: fewer than one bin.
        """
        if bins < 1:
            raise ValueError(f"{bins} bins of confidence; take 1 or more")
        whole = torch.zeros(bins, dtype=torch.int64)
        return cls(whole, torch.zeros(bins, dtype=torch.float64), whole.clone())

    def add(self, probabilities: Tensor, targets: Tensor) -> None:
        """Count a batch.

        Args:
            probabilities: [batch, classes], each row sums to 1.
            targets: [batch], int64.

        Raises:
            ValueError: logits instead of probabilities: something is not in [0, 1].
        """
        confidence, predicted = probabilities.detach().double().cpu().max(-1)
        if confidence.numel() and not bool(((confidence >= 0) & (confidence <= 1 + 1e-3)).all()):
            raise ValueError("confidences are not in [0, 1]: give probabilities, after the softmax")
        bins = len(self.counts)
        place = ((confidence * bins).ceil().long() - 1).clamp(0, bins - 1)
        self.counts += torch.bincount(place, minlength=bins)
        self.confidences += torch.bincount(place, confidence, minlength=bins)
        self.right += torch.bincount(place[predicted == targets.cpu()], minlength=bins)

    @property
    def error(self) -> float:
        """Expected calibration error: |accuracy - confidence|, over predictions (eq. 3); NaN for none."""
        return float((self.right - self.confidences).abs().sum() / self.counts.sum())

    def table(self) -> list[tuple[float, float, int, float, float]]:
        """The reliability diagram in figures.

        Returns:
            For each bin that holds something: its edges, predictions, mean confidence, accuracy.
        """
        bins = len(self.counts)
        return [
            (
                i / bins,
                (i + 1) / bins,
                int(self.counts[i]),
                float(self.confidences[i] / self.counts[i]),
                float(self.right[i] / self.counts[i]),
            )
            for i in range(bins)
            if self.counts[i]
        ]

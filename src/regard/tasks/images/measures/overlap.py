"""How well masks of classes overlap: Dice and intersection over union."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from regard.tasks.images.measures.confusion import pair_counts


@dataclass
class Overlap:
    """Dice (Dice 1945) and intersection over union (Jaccard 1912) of each class, image after image.

    A class that an image has neither in the target nor in the prediction counts for nothing there; one
    that is predicted where there is none scores 0. Scores are means over images, so that a small image
    counts as much as a large one.

    Attributes:
        classes: how many there are, the background counted; its index is 0.
        counts: for each image [classes, classes] of (target, prediction).

    Example:
        >>> overlap = Overlap(2)
        >>> overlap.add(torch.tensor([[[1, 1, 0, 0]]]), torch.tensor([[[1, 0, 0, 0]]]))
        >>> [round(x, 3) for x in overlap.dice().tolist()], [round(x, 3) for x in overlap.iou().tolist()]
        ([0.8, 0.667], [0.667, 0.5])
        >>> overlap.pixel_error
        0.25
    """

    classes: int
    counts: list[Tensor] = field(default_factory=list)

    def add(self, predictions: Tensor, targets: Tensor, ignore: int = -100) -> None:
        """Count images.

        Args:
            predictions: [batch, rows, columns], class indices.
            targets: the same shape; pixels that equal `ignore` count for nothing.

        Raises:
            ValueError: shapes differ, or a class is not in [0, classes).
        """
        if predictions.shape != targets.shape:
            raise ValueError(f"predictions {tuple(predictions.shape)} for targets {tuple(targets.shape)}")
        for prediction, target in zip(predictions, targets, strict=True):
            self.counts.append(pair_counts(prediction, target, self.classes, ignore).cpu())

    def dice(self) -> Tensor:
        """[classes], float64: 2·|A∩B| / (|A| + |B|); NaN for a class that is nowhere."""
        both, either = self._sizes()
        return (2 * both / either).nanmean(0)

    def iou(self) -> Tensor:
        """[classes], float64: |A∩B| / |A∪B|; NaN for a class that is nowhere."""
        both, either = self._sizes()
        return (both / (either - both)).nanmean(0)

    @property
    def pixel_error(self) -> float:
        """Share of all pixels counted that have the wrong class."""
        counts = torch.stack(self.counts).sum(0)
        return float(1 - counts.diagonal().sum() / counts.sum())

    def figures(self) -> dict[str, float]:
        """Dice and IoU, means over classes but the background, and the pixel error.

        Where there is nothing but background, and nothing is predicted, both are 1: there is none better. NaN
        where no pixel counts.
        """
        named = {"dice": self.dice(), "iou": self.iou()}
        nothing = 1.0 if any(count.any() for count in self.counts) else math.nan
        means = {name: float(of[1:].nanmean().nan_to_num(nothing)) for name, of in named.items()}
        return means | {"pixel_error": self.pixel_error}

    def _sizes(self) -> tuple[Tensor, Tensor]:
        """|A∩B| and |A| + |B| of each image and class, [images, classes], float64."""
        if not self.counts:
            raise ValueError("no image was added: there is nothing to score")
        counts = torch.stack(self.counts).double()
        return counts.diagonal(dim1=1, dim2=2), counts.sum(1) + counts.sum(2)

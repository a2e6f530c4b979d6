"""How much of each defect heat maps cover: the per-region overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from regard.tasks.images.components import components
from regard.tasks.images.measures.pixel_ranking import LEVELS, levels_of


@dataclass
class RegionRanking:
    """Good pixels and shares of defects by score, image after image, in constant memory (16 MB).

    Scores share levels as in `regard.tasks.images.measures.pixel_ranking.PixelRanking`.

    Attributes:
        good: pixels [levels], int64.
        covered: shares of connected defects [levels], float64.
        regions: how many defects there are.

    Example:
        >>> ranking = RegionRanking.empty()
        >>> ranking.add(torch.tensor([[0.9, 0.8, 0.1, 0.2]]), torch.tensor([[True, False, False, True]]))
        >>> ranking.overlap(1.0)
        0.75
    """

    good: Tensor
    covered: Tensor
    regions: int

    @classmethod
    def empty(cls) -> RegionRanking:
        """Nothing counted yet."""
        return cls(torch.zeros(LEVELS, dtype=torch.int64), torch.zeros(LEVELS, dtype=torch.float64), 0)

    def add(self, heat: Tensor, mask: Tensor, counted: Tensor | None = None) -> None:
        """Count an image.

        Args:
            heat: [rows, columns]; the higher, the worse.
            mask: the same shape, true at defects.
            counted: the same shape, false at pixels that do not count; None: all do.

        Raises:
            ValueError: shapes differ.
        """
        if heat.shape != mask.shape:
            raise ValueError(f"a mask of {tuple(mask.shape)} for a map of {tuple(heat.shape)}")
        labels = components(mask.cpu().numpy(), corners=True)
        sizes = np.bincount(labels.ravel())
        self.regions += len(sizes) - 1
        share = torch.from_numpy((1.0 / np.maximum(sizes, 1))[labels.ravel()])
        place, bad = levels_of(heat.detach().cpu().flatten()), torch.from_numpy(labels.ravel() > 0)
        good = ~bad if counted is None else ~bad & counted.cpu().flatten()
        self.good.index_add_(0, place[good], torch.ones(int(good.sum()), dtype=torch.int64))
        self.covered.index_add_(0, place[bad], share[bad])

    def overlap(self, up_to: float = 0.3) -> float:
        """Area under the mean overlap with connected defects against the share of false pixels, AU-PRO.

        Every defect counts alike, however small, while pixel AUROC follows the large ones (Bergmann et al.
        2020).

        Args:
            up_to: the share of good pixels above the threshold at which the area ends; the area is divided
                by it.

        Raises:
            ValueError: a share outside (0, 1]; no defect or no good pixel at all.
        """
        if not 0.0 < up_to <= 1.0:
            raise ValueError(f"up_to is a share of good pixels in (0, 1], not {up_to}")
        if not self.regions or not self.good.any():
            missing = "good" if self.regions else "bad"
            raise ValueError(f"there are no {missing} pixels: nothing to be told apart")
        overlap = np.concatenate(([0.0], self.covered.flip(0).cumsum(0).numpy() / self.regions))
        false = np.concatenate(([0.0], self.good.flip(0).cumsum(0).double().numpy() / int(self.good.sum())))
        inside = false <= up_to
        end = np.interp(up_to, false, overlap)
        x, y = np.append(false[inside], up_to), np.append(overlap[inside], end)
        return float(np.trapezoid(y, x) / up_to)

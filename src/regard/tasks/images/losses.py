"""What segmentation and restoration are trained on: sums over images of each image's own loss.

An image's loss is a mean over its pixels, so that images and crops of any size count alike and the same
batch gives the same gradient on one process or eight. MONAI's losses are the peers in the tests; they know
neither pixels that do not count nor weights of pixels (its masked Dice takes the softmax after the masking).
"""

from __future__ import annotations

from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from regard.tasks.images.measures.restoration import ssim_map
from regard.training.trainable import Loss

IGNORED = -100
"""The target of a pixel that does not count."""


class SegmentationLossConfig(BaseModel):
    """The parts of a segmentation's loss.

    Attributes:
        cross_entropy: weight of the mean cross-entropy of pixels.
        dice: weight of the soft Dice loss (Milletari et al. 2016, §3), the mean over all classes but the
            background. It follows small objects, whose pixels the cross-entropy hardly sees.
        focusing: γ of the focal loss (Lin et al. 2017, eq. 4) in the cross-entropy; 0 is plain.
        class_weights: of each class in the cross-entropy; all 1 unless said.
        boundary: w₀ of the U-Net paper's weights of pixels between touching objects (Ronneberger et al. 2015,
            eq. 2), which need instances; the paper has 10, 0 is none.
        boundary_sigma: σ of these, in pixels.

    Example:
        >>> SegmentationLossConfig(cross_entropy=0.0, dice=0.0)
        Traceback (most recent call last):
        ...
        pydantic_core._pydantic_core.ValidationError: 1 validation error for SegmentationLossConfig
          Value error, cross_entropy and dice are both 0: nothing to train on ...
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    cross_entropy: float = Field(default=1.0, ge=0.0)
    dice: float = Field(default=1.0, ge=0.0)
    focusing: float = Field(default=0.0, ge=0.0)
    class_weights: tuple[float, ...] | None = None
    boundary: float = Field(default=0.0, ge=0.0)
    boundary_sigma: float = Field(default=5.0, gt=0.0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.cross_entropy and not self.dice:
            raise ValueError("cross_entropy and dice are both 0: nothing to train on")
        if self.class_weights is not None and min(self.class_weights, default=-1.0) < 0:
            raise ValueError(
                f"class_weights is {list(self.class_weights)}: one number of 0 or more for each class"
            )
        return self


_SEGMENTATION = SegmentationLossConfig()


def segmentation_loss(
    logits: Tensor,
    targets: Tensor,
    config: SegmentationLossConfig = _SEGMENTATION,
    pixel_weights: Tensor | None = None,
) -> Loss:
    """Cross-entropy and Dice, summed over images; both are kept in the figures.

    Args:
        logits: [batch, classes, rows, columns], of any floating dtype; computed in float32 at least.
        targets: [batch, rows, columns], int64; −100 where a pixel does not count.
        config: the parts and their weights.
        pixel_weights: [batch, rows, columns], of the cross-entropy.

    Raises:
        ValueError: shapes or classes that do not fit.

    Example:
        >>> loss = segmentation_loss(torch.zeros(2, 4, 8, 8), torch.ones(2, 8, 8, dtype=torch.int64))
        >>> round(loss.figures["cross_entropy"].item(), 4)  # two images, ln 4 each
        2.7726
    """
    _check(logits, targets, config, pixel_weights)
    log_probabilities = F.log_softmax(_exact(logits), 1)
    figures = {"cross_entropy": _cross_entropy(log_probabilities, targets, config, pixel_weights)}
    if config.dice:
        figures["dice"] = soft_dice_loss(log_probabilities.exp(), targets).sum()
    total = config.cross_entropy * figures["cross_entropy"] + config.dice * figures.get("dice", 0.0)
    return Loss(total, {name: part.detach() for name, part in figures.items()})


def soft_dice_loss(probabilities: Tensor, targets: Tensor) -> Tensor:
    """1 − (2·Σpt + 1) / (Σp + Σt + 1), the mean over all classes but the background.

    The ones stand for a pixel: a class that an image does not have pulls its probabilities down, and one
    that is neither there nor predicted costs nothing. An image with no pixel that counts costs nothing.

    Args:
        probabilities: [batch, classes, rows, columns].
        targets: [batch, rows, columns], int64; −100 where a pixel does not count.

    Returns:
        [batch], each in [0, 1].

    Example:
        >>> certain = torch.tensor([[[[0.0, 1.0]], [[1.0, 0.0]]]])
        >>> soft_dice_loss(certain, torch.tensor([[[1, 0]]])).item()
        0.0
    """
    classes = torch.arange(1, probabilities.shape[1], device=targets.device)
    there = (targets[:, None] == classes[:, None, None]).to(probabilities.dtype)
    found = probabilities[:, 1:] * (targets != IGNORED)[:, None]
    both = (found * there).sum((2, 3))
    return 1 - ((2 * both + 1) / (found.sum((2, 3)) + there.sum((2, 3)) + 1)).mean(1)


class RestorationLossConfig(BaseModel):
    """The parts of a restoration's loss.

    Attributes:
        squared: weight of the mean squared error.
        absolute: weight of the mean absolute error, which blurs less.
        similarity: weight of 1 − SSIM around each pixel (DRAEM; Zavrtanik et al. 2021, §3.1).

    Example:
        >>> RestorationLossConfig().squared
        1.0
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    squared: float = Field(default=1.0, ge=0.0)
    absolute: float = Field(default=0.0, ge=0.0)
    similarity: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.squared + self.absolute + self.similarity:
            raise ValueError("squared, absolute and similarity are all 0: nothing to train on")
        return self


_RESTORATION = RestorationLossConfig()


def restoration_loss(
    restored: Tensor,
    clean: Tensor,
    config: RestorationLossConfig = _RESTORATION,
    mask: Tensor | None = None,
) -> Loss:
    """Difference of a restored image and the clean one, summed over images; its parts are in the figures.

    Args:
        restored: [batch, channels, rows, columns], of any floating dtype; computed in float32 at least.
        clean: the same shape.
        config: the parts and their weights.
        mask: [batch, 1, rows, columns], bool: the pixels that count; all unless said. For training on noisy
            images alone: `clean` is the noisy image, `mask` what was hidden (`blind_spots`).

    Raises:
        ValueError: shapes that do not fit.

    Example:
        >>> images = torch.zeros(2, 1, 4, 4)
        >>> restoration_loss(images + 0.5, images).total.item()  # two images, 0.25 each
        0.5
    """
    if restored.shape != clean.shape or clean.ndim != 4:
        raise ValueError(
            f"restored {tuple(restored.shape)} and clean {tuple(clean.shape)}: "
            "both must be [batch, channels, rows, columns], of one shape"
        )
    restored, clean = _exact(restored), _exact(clean)
    difference = restored - clean
    errors = {"squared": difference.square().mean(1), "absolute": difference.abs().mean(1)}
    if config.similarity:
        errors["similarity"] = 1 - ssim_map(restored, clean)
    figures = {name: _mean_over(error, mask).sum() for name, error in errors.items()}
    total = torch.stack([getattr(config, name) * part for name, part in figures.items()]).sum()
    return Loss(total, {name: part.detach() for name, part in figures.items()})


def _cross_entropy(
    log_probabilities: Tensor, targets: Tensor, config: SegmentationLossConfig, pixel_weights: Tensor | None
) -> Tensor:
    """Sum over images of the mean over pixels that count, each with its weight."""
    entropy = F.nll_loss(log_probabilities, targets, reduction="none", ignore_index=IGNORED)
    if config.focusing:
        # 1 - p, by expm1: exact where p is near 1, with a finite derivative at p = 1.
        entropy = (-torch.expm1(-entropy)).clamp(min=1e-12) ** config.focusing * entropy
    if config.class_weights is not None:
        weights = entropy.new_tensor(config.class_weights)
        entropy = entropy * weights[targets.clamp(min=0)]
    if pixel_weights is not None:
        entropy = entropy * pixel_weights
    return _mean_over(entropy, (targets != IGNORED)[:, None]).sum()


def _mean_over(values: Tensor, mask: Tensor | None) -> Tensor:
    """[batch]: mean of [batch, rows, columns] over a mask [batch, 1, rows, columns]; 0 where it is empty."""
    if mask is None:
        return values.flatten(1).mean(1)
    counted = mask[:, 0].flatten(1)
    return (values.flatten(1) * counted).sum(1) / counted.sum(1).clamp(min=1)


def _exact(x: Tensor) -> Tensor:
    """In float32, or in float64 where it is that."""
    return x if x.dtype == torch.float64 else x.float()


def _check(
    logits: Tensor, targets: Tensor, config: SegmentationLossConfig, pixel_weights: Tensor | None
) -> None:
    wanted = (logits.shape[0], *logits.shape[2:])
    if logits.ndim != 4 or targets.shape != wanted:
        raise ValueError(f"targets {tuple(targets.shape)} for logits {tuple(logits.shape)}; {wanted} fit")
    if pixel_weights is not None and pixel_weights.shape != wanted:
        raise ValueError(f"pixel_weights {tuple(pixel_weights.shape)} for targets {wanted}")
    classes = logits.shape[1]
    if classes < 2:
        raise ValueError("one class: a segmentation has the background and at least one more")
    if config.class_weights is not None and len(config.class_weights) != classes:
        raise ValueError(f"{len(config.class_weights)} class_weights for {classes} classes")

"""Losses against torch's, MONAI's and the papers' formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.nn import functional as F

from regard.tasks.images.boundary_weights import boundary_weights
from regard.tasks.images.losses import (
    RestorationLossConfig,
    SegmentationLossConfig,
    restoration_loss,
    segmentation_loss,
    soft_dice_loss,
)
from regard.tasks.images.measures.restoration import ssim_map


def made(seed: int, batch: int = 3, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, classes, 5, 6, generator=generator, dtype=torch.float64)
    targets = torch.randint(classes, (batch, 5, 6), generator=generator)
    return logits, targets.masked_fill(torch.rand(batch, 5, 6, generator=generator) < 0.3, -100)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), gamma=st.sampled_from([0.0, 1.0, 2.0]), weighted=st.booleans())
def test_segmentation_loss_is_its_formula_image_by_image(seed: int, gamma: float, weighted: bool) -> None:
    logits, targets = made(seed)
    weights = torch.rand(targets.shape, dtype=torch.float64) if weighted else None
    classes = (0.5, 1.0, 2.0) if weighted else None
    config = SegmentationLossConfig(cross_entropy=0.7, dice=0.4, focusing=gamma, class_weights=classes)
    loss = segmentation_loss(logits, targets, config, weights)
    expected = 0.0
    for image in range(3):
        p, entropies, pixels = logits[image].softmax(0), 0.0, 0
        for r in range(5):
            for c in range(6):
                if (t := int(targets[image, r, c])) >= 0:
                    w = float(weights[image, r, c]) * (0.5, 1.0, 2.0)[t] if weights is not None else 1.0
                    entropies -= w * float((1 - p[t, r, c]) ** gamma * p[t, r, c].log())
                    pixels += 1
        dice = 0.0
        for k in (1, 2):
            there, counted = targets[image] == k, targets[image] >= 0
            both = p[k][there].sum()
            dice += float(1 - (2 * both + 1) / (p[k][counted].sum() + there.sum() + 1)) / 2
        expected += 0.7 * entropies / pixels + 0.4 * dice
    assert loss.total.item() == pytest.approx(expected, rel=1e-9)


def test_batches_of_any_size_sum_to_the_same() -> None:
    logits, targets = made(0, batch=4)
    whole = segmentation_loss(logits, targets)
    parts = [segmentation_loss(logits[i : i + 1], targets[i : i + 1]) for i in range(4)]
    torch.testing.assert_close(whole.total, torch.stack([part.total for part in parts]).sum())


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_segmentation_gradients(gamma: float) -> None:
    logits, targets = made(1)
    config = SegmentationLossConfig(focusing=gamma)
    assert torch.autograd.gradcheck(
        lambda x: segmentation_loss(x, targets, config).total, (logits.requires_grad_(),)
    )
    certain = torch.tensor([[[[60.0]], [[-60.0]]]], requires_grad=True)
    segmentation_loss(certain, torch.zeros(1, 1, 1, dtype=torch.int64), config).total.backward()
    assert certain.grad is not None
    assert certain.grad.isfinite().all()


def test_pixels_that_do_not_count_have_no_say() -> None:
    logits, targets = made(2)
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(segmentation_loss(logits, targets).total, logits)
    assert (gradient.abs().sum(1)[targets < 0] == 0).all()
    nothing = segmentation_loss(logits, torch.full_like(targets, -100))
    (gradient,) = torch.autograd.grad(nothing.total, logits)
    assert nothing.figures["cross_entropy"] == nothing.figures["dice"] == 0
    assert (gradient == 0).all()


def test_bf16_logits_are_computed_in_float32() -> None:
    logits, targets = made(3)
    loss = segmentation_loss(logits.bfloat16(), targets)
    assert loss.total.dtype == torch.float32
    assert loss.total.item() == pytest.approx(segmentation_loss(logits, targets).total.item(), rel=0.02)


def test_dice_and_cross_entropy_are_those_of_monai() -> None:
    losses = pytest.importorskip("monai.losses")
    logits, targets = made(4)
    targets = targets.clamp(min=0)
    theirs = losses.DiceLoss(
        include_background=False, to_onehot_y=True, softmax=True, smooth_nr=1.0, smooth_dr=1.0,
        reduction="none",
    )(logits, targets[:, None])  # fmt: skip
    torch.testing.assert_close(soft_dice_loss(logits.softmax(1), targets), theirs.flatten(1).mean(1))
    both = losses.DiceCELoss(
        include_background=False, to_onehot_y=True, softmax=True, smooth_nr=1, smooth_dr=1
    )
    ours = segmentation_loss(logits, targets)
    torch.testing.assert_close(ours.total / 3, both(logits, targets[:, None]))


def test_what_does_not_fit_is_refused() -> None:
    logits, targets = made(5)
    with pytest.raises(ValueError, match="2 class_weights for 3 classes"):
        segmentation_loss(logits, targets, SegmentationLossConfig(class_weights=(1.0, 1.0)))
    with pytest.raises(ValueError, match="fit"):
        segmentation_loss(logits, targets[:, :4])
    with pytest.raises(ValueError, match="one class"):
        segmentation_loss(logits[:, :1], targets)
    with pytest.raises(ValidationError, match="0 or more for each class"):
        SegmentationLossConfig(class_weights=(1.0, -1.0))


def test_restoration_loss_on_all_pixels_and_on_hidden_ones() -> None:
    torch.manual_seed(0)
    restored, clean = torch.rand(2, 2, 3, 12, 14, dtype=torch.float64)
    loss = restoration_loss(restored, clean)
    assert loss.total.item() == pytest.approx(2 * F.mse_loss(restored, clean).item())
    mask = torch.rand(2, 1, 12, 14) < 0.2
    masked = restoration_loss(restored, clean, RestorationLossConfig(squared=0.0, absolute=1.0), mask)
    expected = sum((restored - clean)[i, :, mask[i, 0]].abs().mean() for i in range(2))
    assert masked.total.item() == pytest.approx(float(expected))
    similar = restoration_loss(restored, clean, RestorationLossConfig(squared=2.0, similarity=0.5))
    expected = 4 * F.mse_loss(restored, clean) + (1 - ssim_map(restored, clean)).mean()
    assert similar.total.item() == pytest.approx(float(expected))
    with pytest.raises(ValidationError, match="nothing to train on"):
        RestorationLossConfig(squared=0.0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), objects=st.integers(0, 5))
def test_boundary_weights_are_equation_2(seed: int, objects: int) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    draw = np.random.default_rng(seed)
    labels = np.zeros((40, 60), dtype=np.int64)
    for number in range(1, objects + 1):
        r, c = draw.integers(0, 34), draw.integers(0, 54)
        labels[r : r + draw.integers(1, 6), c : c + draw.integers(1, 6)] = 2 * number  # numbers may have gaps
    distances = [ndimage.distance_transform_edt(labels != n) for n in np.unique(labels) if n]
    distances = np.sort(np.array([*distances, *np.full((2, 40, 60), np.inf)]), axis=0)
    expected = 1 + 10 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * 3.0**2))
    expected[labels > 0] = 1
    np.testing.assert_allclose(boundary_weights(labels, sigma=3.0), expected, atol=2e-6)

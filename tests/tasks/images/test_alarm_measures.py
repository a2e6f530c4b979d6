"""AUROC, average precision, alarms and region overlap against scikit-learn and definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.errors import UserError
from regard.tasks.images.measures.alarm import alarm_threshold
from regard.tasks.images.measures.pixel_ranking import PixelRanking
from regard.tasks.images.measures.ranking import auroc, average_precision
from regard.tasks.images.measures.regions import RegionRanking


def drawn(seed: int, count: int, levels: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = (torch.randn(count, generator=generator) * levels).round() / levels
    bad = torch.rand(count, generator=generator) < 0.4
    bad[:2] = torch.tensor([True, False])
    return scores + 0.3 * bad, bad


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), count=st.integers(2, 60), levels=st.sampled_from([1, 3, 1000]))
def test_ranking_is_that_of_scikit_learn_ties_included(seed: int, count: int, levels: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, bad = drawn(seed, count, levels)
    assert auroc(scores, bad) == pytest.approx(metrics.roc_auc_score(bad, scores), abs=1e-12)
    assert average_precision(scores, bad) == pytest.approx(
        metrics.average_precision_score(bad, scores), abs=1e-12
    )


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 999), scale=st.sampled_from([1e-20, 1e-3, 1.0, 1e20]))
def test_streamed_ranking_is_within_its_uncertainty(seed: int, scale: float) -> None:
    scores, bad = drawn(seed, 300, 10**6)
    ranking = PixelRanking.empty()
    for part in range(0, 300, 70):
        ranking.add(scale * scores[part : part + 70].view(-1, 1), bad[part : part + 70].view(-1, 1))
    assert abs(ranking.auroc - auroc(scores, bad)) <= ranking.uncertainty + 1e-12
    assert ranking.uncertainty < 1e-3
    assert ranking.average_precision == pytest.approx(average_precision(scores, bad), abs=0.01)


def test_streamed_levels_keep_order_across_zero_and_infinity() -> None:
    scores = torch.tensor([-torch.inf, -3.0, -1e-30, -0.0, 0.0, 1e-30, 2.0, torch.inf])
    for place in range(1, 8):
        ranking = PixelRanking.empty()
        bad = torch.arange(8) >= place
        ranking.add(scores, bad)
        assert ranking.auroc == pytest.approx(auroc(scores, bad))
    with pytest.raises(ValueError, match="NaN"):
        ranking.add(torch.tensor([torch.nan]), torch.tensor([True]))
    with pytest.raises(ValueError, match="no bad ones"):
        auroc(scores, torch.zeros(8, dtype=torch.bool))


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_alarms_on_new_good_images_are_as_rare_as_promised(rate: float) -> None:
    generator = torch.Generator().manual_seed(0)
    rates = []
    for _ in range(4000):
        scores = torch.randn(29, generator=generator)
        threshold = alarm_threshold(scores[:28], rate)
        rates.append(float(scores[28] > threshold))
    assert np.mean(rates) <= rate + 3 * (rate / 4000) ** 0.5
    assert np.mean(rates) >= rate - 1 / 29 - 3 * (rate / 4000) ** 0.5  # and no rarer than need be


def test_too_few_good_images_are_told_how_many_it_takes() -> None:
    assert alarm_threshold(torch.arange(99.0), 0.01) == 98.0
    with pytest.raises(UserError, match=r"at least 99 good images to set; found 98.*rate of 0\.0102 or more"):
        alarm_threshold(torch.arange(98.0), 0.01)
    assert alarm_threshold(torch.arange(98.0), 0.0102) == 97.0
    with pytest.raises(ValueError, match=r"in \(0, 1\)"):
        alarm_threshold(torch.arange(98.0), 1.0)


def by_thresholds(heat: np.ndarray, mask: np.ndarray, up_to: float) -> float:
    ndimage = pytest.importorskip("scipy.ndimage")
    labels, regions = ndimage.label(mask, np.ones((3, 3)))
    curve = [(0.0, 0.0)]
    for threshold in np.unique(heat)[::-1]:
        above = heat >= threshold
        overlaps = [above[labels == region].mean() for region in range(1, regions + 1)]
        curve.append((float(above[~mask].mean()), float(np.mean(overlaps))))
    fine = np.linspace(0, up_to, 20001)
    x, y = np.array(curve).T
    return float(np.trapezoid(np.interp(fine, x, y), fine) / up_to)


@pytest.mark.parametrize("up_to", [0.3, 0.05, 1.0])
def test_region_overlap_follows_its_definition(up_to: float) -> None:
    draw = np.random.default_rng(1)
    mask = np.zeros((30, 30), dtype=bool)
    mask[2:5, 2:5], mask[10:25, 10:20], mask[5, 5] = True, True, True
    heat = np.round(draw.random((30, 30)) + 0.6 * mask, 2)
    assert overlap_of(heat, mask, up_to) == pytest.approx(by_thresholds(heat, mask, up_to), abs=2e-3)
    assert overlap_of(mask.astype(float), mask, up_to) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="no bad pixels"):
        overlap_of(heat, mask & False, up_to)


@pytest.mark.parametrize(("up_to", "area"), [(0.3, 0.5), (1.0, 0.5)])
def test_a_defect_below_all_that_is_good_is_not_found_yet(up_to: float, area: float) -> None:
    heat = np.array([[0.9, 0.5, 0.1, 0.5, 0.5]])
    mask = np.array([[True, False, True, False, False]])
    ranking = RegionRanking.empty()
    ranking.add(torch.from_numpy(heat), torch.from_numpy(mask))
    assert ranking.overlap(up_to) == pytest.approx(area)


def test_pixels_that_do_not_count_are_neither_good_nor_bad() -> None:
    heat, mask = torch.tensor([[0.9, 0.95, 0.1, 0.2]]), torch.tensor([[True, False, False, False]])
    ranking = RegionRanking.empty()
    ranking.add(heat, mask, torch.tensor([[True, False, True, True]]))
    assert ranking.overlap() == pytest.approx(1.0)


def overlap_of(heat: np.ndarray, mask: np.ndarray, up_to: float) -> float:
    ranking = RegionRanking.empty()
    for rows in (slice(0, 8), slice(8, None)):  # no defect lies in both
        ranking.add(torch.from_numpy(heat[rows]), torch.from_numpy(mask[rows]))
    return ranking.overlap(up_to)

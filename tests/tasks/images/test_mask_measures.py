"""Figures of masks and objects against definitions, scipy, scikit-image and MONAI."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.errors import UserError
from regard.tasks.images.components import components
from regard.tasks.images.instances import InstanceConfig, instances
from regard.tasks.images.measures.boundaries import agreement, challenge_scores, thinned
from regard.tasks.images.measures.objects import Objects
from regard.tasks.images.measures.overlap import Overlap


def disc(size: int, *centres: tuple[int, int], radius: float = 6.0) -> NDArray[np.bool_]:
    y, x = np.mgrid[:size, :size]
    return np.any([(y - r) ** 2 + (x - c) ** 2 <= radius**2 for r, c in centres], axis=0)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 9999), rows=st.integers(0, 12), columns=st.integers(0, 12),
    share=st.sampled_from([0.0, 0.3, 0.5, 0.6, 0.8, 1.0]), corners=st.booleans(),
)  # fmt: skip
def test_components_are_those_of_scipy(
    seed: int, rows: int, columns: int, share: float, corners: bool
) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    mask = np.random.default_rng(seed).random((rows, columns)) < share
    expected, _ = ndimage.label(mask, np.ones((3, 3)) if corners else None)
    np.testing.assert_array_equal(components(mask, corners), expected)


def test_components_of_a_spiral_and_a_comb() -> None:
    spiral = np.zeros((41, 41), dtype=bool)
    row, column, length, step = 20, 20, 2, 0
    while length < 40:
        for dy, dx in ((0, 1), (1, 0)) if step % 2 == 0 else ((0, -1), (-1, 0)):
            for _ in range(length):
                spiral[row, column] = True
                row, column = row + dy, column + dx
        length, step = length + 2, step + 1
    assert components(spiral).max() == 1
    comb = np.ones((9, 99), dtype=bool)
    comb[:-1, 1::2] = False
    assert components(comb).max() == 1
    assert components(comb[:-1]).max() == 50


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), classes=st.integers(2, 4), images=st.integers(1, 4))
def test_overlap_of_each_class(seed: int, classes: int, images: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    predictions, targets = torch.randint(classes, (2, images, 4, 5), generator=generator)
    hidden = torch.rand(images, 4, 5, generator=generator) < 0.2
    overlap = Overlap(classes)
    overlap.add(predictions[:1], targets[:1].masked_fill(hidden[:1], -100))
    overlap.add(predictions[1:], targets[1:].masked_fill(hidden[1:], -100))
    for c in range(classes):
        a, b = (predictions == c) & ~hidden, (targets == c) & ~hidden
        present = (a | b).any((1, 2))
        union, both = (a | b).sum((1, 2)).double(), (a & b).sum((1, 2)).double()
        if present.any():
            assert overlap.iou()[c] == pytest.approx(float((both / union)[present].mean()))
            assert overlap.dice()[c] == pytest.approx(float((2 * both / (union + both))[present].mean()))
        else:
            assert overlap.dice()[c].isnan()
    wrong = ((predictions != targets) & ~hidden).sum() / (~hidden).sum()
    assert overlap.pixel_error == pytest.approx(float(wrong), abs=1e-6)


def test_overlap_equals_monai_where_every_class_occurs() -> None:
    metrics = pytest.importorskip("monai.metrics")
    generator = torch.Generator().manual_seed(0)
    predictions, targets = torch.randint(3, (2, 4, 16, 16), generator=generator)
    overlap = Overlap(3)
    overlap.add(predictions, targets)
    one_hot = [torch.nn.functional.one_hot(x, 3).permute(0, 3, 1, 2) for x in (predictions, targets)]
    for ours, theirs in ((overlap.dice(), metrics.compute_dice), (overlap.iou(), metrics.compute_iou)):
        torch.testing.assert_close(ours.float(), theirs(*one_hot).mean(0))


def test_an_empty_class_that_is_not_predicted_counts_for_nothing() -> None:
    overlap = Overlap(2)
    empty = torch.zeros(1, 2, 2, dtype=torch.int64)
    overlap.add(empty, empty)
    assert overlap.dice()[1].isnan()
    overlap.add(empty + 1, empty)
    assert overlap.dice().tolist() == [0.5, 0.0]
    with pytest.raises(ValueError, match="no image was added"):
        Overlap(2).dice()


def test_finding_nothing_where_nothing_is_cannot_be_better() -> None:
    nothing = torch.zeros(1, 2, 2, dtype=torch.int64)
    overlap = Overlap(2)
    overlap.add(nothing, nothing)
    assert overlap.figures() == {"dice": 1.0, "iou": 1.0, "pixel_error": 0.0}
    overlap = Overlap(2)
    overlap.add(nothing + 1, nothing)
    assert overlap.figures() == {"dice": 0.0, "iou": 0.0, "pixel_error": 1.0}
    overlap = Overlap(2)
    overlap.add(nothing, nothing - 100)
    assert all(np.isnan(figure) for figure in overlap.figures().values())


def test_watershed_cuts_touching_discs_and_components_do_not() -> None:
    probability = disc(48, (12, 12), (12, 22), (36, 30)).astype(np.float64)
    assert instances(probability).max() == 2
    labels = instances(probability, InstanceConfig(separate="watershed"))
    assert labels.max() == 3
    assert ((labels > 0) == (probability > 0)).all()
    assert len({labels[12, 12], labels[12, 22], labels[36, 30]}) == 3
    for full in (np.zeros((9, 9)), np.ones((9, 9)), np.ones((1, 1))):
        assert instances(full, InstanceConfig(separate="watershed")).max() == full[0, 0]


def test_small_objects_go_and_numbers_stay_without_gaps() -> None:
    mask = np.zeros((6, 12))
    mask[0, 0], mask[2:4, 2:4], mask[5, 6:11] = 1, 1, 1
    labels = instances(mask, InstanceConfig(smallest=3))
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert labels[0, 0] == 0
    assert labels[5, 10] == 2


def test_thinning_without_the_extra_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(UserError, match=r'pip install "regard\[images\]"'):
        thinned(np.ones((4, 4), dtype=bool))


def test_objects_by_hand() -> None:
    truth = np.zeros((10, 20), dtype=np.int64)
    truth[0:4, 0:4], truth[0:4, 8:12], truth[6:10, 0:4] = 1, 2, 5
    found = np.zeros_like(truth)
    found[0:4, 0:4] = 7  # the same
    found[0:4, 9:12] = 3  # 12 of 16 pixels: IoU 0.75
    found[8:10, 10:14] = 2  # made up
    objects = Objects()
    objects.add(truth, found)
    precision = objects.precisions()[0]
    assert precision[0] == pytest.approx(2 / 4)  # two hits, one false alarm, one miss
    assert precision[4] == pytest.approx(2 / 4)  # IoU above 0.7
    assert precision[5] == pytest.approx(1 / 5)  # 0.75 is not above 0.75
    assert objects.f1() == pytest.approx(4 / 6)
    assert objects.figures()["object_score"] == pytest.approx((5 * 2 / 4 + 5 * 1 / 5) / 10)
    objects.add(np.zeros((3, 3), dtype=int), np.zeros((3, 3), dtype=int))
    assert objects.precisions()[1].tolist() == [1.0] * 10
    assert objects.figures()["count_error"] == 0
    objects.add(np.zeros((3, 3), dtype=int), np.eye(3, dtype=int))
    assert objects.precisions()[2].tolist() == [0.0] * 10
    assert objects.figures()["count_error"] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="nothing to score"):
        Objects().figures()


def by_pairs(truth: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    """V^Rand from all pairs of foreground pixels, with itself too: alike in both / mean of alike in one."""
    inside = truth.ravel() > 0
    t, s = truth.ravel()[inside], found.ravel()[inside]
    same_t = t[:, None] == t
    same_s = ((s[:, None] == s) & (s > 0)) | np.eye(len(s), dtype=bool)
    return float((same_t & same_s).sum() / (0.5 * same_t.sum() + 0.5 * same_s.sum()))


def by_entropies(truth: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    inside = truth.ravel() > 0
    t, s = truth.ravel()[inside], found.ravel()[inside]
    s = np.where(s == 0, 1000 + np.arange(len(s)), s)

    def entropy(labels: NDArray[np.int64]) -> float:
        share = np.unique(labels, return_counts=True)[1] / len(labels)
        return float(-(share * np.log(share)).sum())

    joint = entropy(t * 10_000 + s)
    return 2 * (entropy(t) + entropy(s) - joint) / (entropy(t) + entropy(s))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), segments=st.integers(2, 5))
def test_rand_and_information_follow_their_definitions(seed: int, segments: int) -> None:
    draw = np.random.default_rng(seed)
    truth, found = draw.integers(0, segments, (2, 7, 8))
    truth[0, :2] = 1, 1 + segments  # two segments at least
    score = agreement(truth, found)
    assert score.rand == pytest.approx(by_pairs(truth, found), rel=1e-10)
    assert score.information == pytest.approx(by_entropies(truth, found), rel=1e-8, abs=1e-10)


def test_rand_and_information_agree_with_scikit_image_where_definitions_do() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    draw = np.random.default_rng(0)
    truth, found = draw.integers(0, 4, (60, 60)), draw.integers(1, 5, (60, 60))
    found = np.where(draw.random((60, 60)) < 0.7, truth + 1, found)
    score = agreement(truth, found)
    error, _, _ = metrics.adapted_rand_error(truth, found)
    assert score.rand == pytest.approx(1 - error, abs=1e-3)  # it leaves 3,600 of millions of pairs out
    given_found, given_truth = metrics.variation_of_information(truth, found, ignore_labels=(0,))
    p = np.unique(truth[truth > 0], return_counts=True)[1] / (truth > 0).sum()
    q = np.unique(found[truth > 0], return_counts=True)[1] / (truth > 0).sum()
    entropies = -(p * np.log2(p)).sum() - (q * np.log2(q)).sum()
    assert score.information == pytest.approx(1 - (given_found + given_truth) / entropies)


def test_rand_by_hand() -> None:
    two = np.array([[1, 1, 0, 2, 2]])
    assert agreement(two, np.array([[1, 1, 1, 1, 1]])).rand == pytest.approx(0.5 / 0.75)  # merged
    split = agreement(two, np.array([[1, 3, 0, 2, 2]]))
    assert split.rand == pytest.approx((1 / 16 + 1 / 16 + 1 / 4) / (0.5 * 3 / 8 + 0.5 * 1 / 2))
    assert agreement(two, np.array([[0, 0, 0, 0, 0]])).rand == pytest.approx(0.25 / (0.5 * 0.25 + 0.5 * 0.5))
    assert agreement(np.ones((2, 2), int), np.ones((2, 2), int)) == (1.0, 1.0)
    with pytest.raises(ValueError, match="only border"):
        agreement(np.zeros((2, 2), int), np.ones((2, 2), int))


def test_thick_borders_cost_nothing_after_thinning() -> None:
    pytest.importorskip("skimage")
    cells = np.ones((40, 40), dtype=bool)
    cells[19:21] = False
    thick = cells.copy()
    thick[15:25] = False
    thick[:19, 10] = False
    thick[5:8, 10] = True  # a border with a gap divides nothing, and goes
    assert agreement(components(cells), components(thick)).rand < 0.9
    scores = challenge_scores([cells], [thick.astype(float)])
    assert scores["rand"] == pytest.approx(1.0, abs=0.01)
    lines = thinned(thick)
    assert lines.max() == 2
    assert (lines == 0).sum(0).tolist() == [1] * 40


def test_the_best_threshold_is_found_for_each_score() -> None:
    pytest.importorskip("skimage")
    cells = np.ones((30, 30), dtype=bool)
    cells[:, 15] = False
    probability = np.full((30, 30), 0.95)
    probability[10] = 0.75  # a membrane that is none, for thresholds of 0.8 and more
    probability[:, 15] = 0.45  # and the real one, from 0.5 on
    scores = challenge_scores([cells, cells], [probability, probability])
    assert scores["rand_threshold"] == scores["information_threshold"] == 0.5
    assert scores["rand"] == pytest.approx(1.0)

"""Figures of classifiers against their definitions and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.tasks.images.measures.calibration import Calibration
from regard.tasks.images.measures.confusion import Confusion
from regard.tasks.images.temperature import best_temperature


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), classes=st.integers(2, 6), rows=st.integers(1, 40))
def test_batches_count_as_the_whole_and_as_scikit_learn(seed: int, classes: int, rows: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = torch.Generator().manual_seed(seed)
    predictions, targets = torch.randint(classes, (2, rows), generator=generator)
    confusion = Confusion.of(classes)
    for start in range(0, rows, 7):
        confusion.add(predictions[start : start + 7], targets[start : start + 7])
    labels = list(range(classes))
    assert (confusion.counts.numpy() == metrics.confusion_matrix(targets, predictions, labels=labels)).all()
    assert confusion.accuracy == pytest.approx(metrics.accuracy_score(targets, predictions))
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        targets, predictions, labels=labels, zero_division=np.nan
    )
    np.testing.assert_allclose(confusion.precision, precision, rtol=1e-12)
    np.testing.assert_allclose(confusion.recall, recall, rtol=1e-12)
    both = ~np.isnan(precision) & ~np.isnan(recall)
    np.testing.assert_allclose(confusion.f1[torch.from_numpy(both)], f1[both], rtol=1e-12)


def test_classes_that_never_occur_have_no_figure() -> None:
    confusion = Confusion.of(3)
    confusion.add(torch.tensor([0, 1]), torch.tensor([0, 0]))
    assert confusion.recall.isnan().tolist() == [False, True, True]
    assert confusion.precision.isnan().tolist() == [False, False, True]
    assert math.isnan(Confusion.of(2).accuracy)


def test_wrong_classes_and_shapes_are_named() -> None:
    with pytest.raises(ValueError, match="a target is class 3; the 3 classes are 0 to 2"):
        Confusion.of(3).add(torch.tensor([0]), torch.tensor([3]))
    with pytest.raises(ValueError, match="a prediction is class -1"):
        Confusion.of(3).add(torch.tensor([-1]), torch.tensor([1]))
    with pytest.raises(ValueError, match="for targets"):
        Confusion.of(3).add(torch.tensor([1, 1]), torch.tensor([1]))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), bins=st.integers(1, 20), rows=st.integers(1, 60))
def test_calibration_follows_its_definition(seed: int, bins: int, rows: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.rand(rows, 4, generator=generator, dtype=torch.float64).softmax(-1)
    probabilities = (4 * probabilities.log()).softmax(-1)
    targets = torch.randint(4, (rows,), generator=generator)
    calibration = Calibration.of(bins)
    calibration.add(probabilities[:9], targets[:9])
    calibration.add(probabilities[9:], targets[9:])
    confidence, predicted = probabilities.max(-1)
    expected = 0.0
    for m in range(bins):
        inside = (confidence > m / bins) & (confidence <= (m + 1) / bins)
        if inside.any():
            accuracy = (predicted == targets)[inside].double().mean()
            expected += float(inside.double().mean() * (accuracy - confidence[inside].mean()).abs())
    assert calibration.error == pytest.approx(expected, abs=1e-9)
    assert sum(row[2] for row in calibration.table()) == rows


def test_certain_predictions_fall_into_the_last_bin_and_logits_are_refused() -> None:
    calibration = Calibration.of(10)
    calibration.add(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))
    assert calibration.table() == [(0.9, 1.0, 1, 1.0, 1.0)]
    with pytest.raises(ValueError, match="after the softmax"):
        calibration.add(torch.tensor([[3.0, 0.0]]), torch.tensor([0]))
    with pytest.raises(ValueError, match="take 1 or more"):
        Calibration.of(0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), stretch=st.floats(0.05, 20.0), classes=st.integers(2, 6))
def test_logits_of_known_probabilities_get_their_temperature_back(
    seed: int, stretch: float, classes: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(20_000, classes, generator=generator).double()
    targets = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
    found = best_temperature(stretch * logits, targets)
    assert found == pytest.approx(stretch, rel=0.1)
    near = [
        float(torch.nn.functional.cross_entropy(stretch * logits / (found * factor), targets))
        for factor in (0.97, 1.0, 1.03)
    ]
    assert near[1] <= min(near) + 1e-5


def test_never_wrong_is_not_certain_and_surer_with_more_rows() -> None:
    logits = torch.eye(3).repeat(10, 1)
    few, many = (best_temperature(logits.repeat(n, 1), torch.arange(3).repeat(10 * n)) for n in (1, 10))
    one = (torch.eye(3)[:1] / few).softmax(-1).max()
    assert one == pytest.approx(1 - 1 / 32, abs=1e-3)
    assert many < few

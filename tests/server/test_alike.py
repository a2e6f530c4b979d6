"""What is asked together is answered as it would be alone, to the last letter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_load import texts
from toy_served import LIMITS, png

import regard
from regard.server.batching import Work
from regard.server.classify_picture import ClassifyPicture
from regard.server.classify_text import ClassifyText
from regard.server.generate import Generate
from regard.server.rounding import PROBABILITY_NOISE, SCORE_NOISE
from regard.server.translate import Translate
from regard.server.uploads import checked_upload

TOGETHER = (("batch_invariant", True), ("n_best", 2))
WORKS: dict[str, Work[Any, Any]] = {
    "toy": Translate(TOGETHER, None, False, LIMITS),
    "lm": Generate((*TOGETHER, ("sample", True), ("seed", 1)), 6, None, False, LIMITS),
    "moods": ClassifyText(None, False, LIMITS),
    "digits": ClassifyPicture("json", None, LIMITS),
}


def noise() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(0, 255, (20, 30), dtype=np.uint8) for _ in range(24)]


@pytest.mark.parametrize("name", WORKS)
def test_together_as_alone(folders: dict[str, Path | str], name: str) -> None:
    predictor, work = regard.load(folders[name]), WORKS[name]
    given: list[Any] = texts(60)
    if name == "digits":
        given = [checked_upload(png(pixels), LIMITS.pixels) for pixels in noise()]
    elif name == "lm":
        given = [text[:12] for text in given]
    together = work.answers(predictor, given, check=lambda: None)
    assert together == [work.answers(predictor, [one], check=lambda: None)[0] for one in given]
    assert len(set(together)) > 1


def test_the_noise_of_batches_is_far_below_its_bounds(folders: dict[str, Path | str]) -> None:
    digits, translator = regard.load("digits"), regard.load(folders["toy"])
    for together, pixels in zip(digits(noise()), noise(), strict=True):
        alone = digits(pixels).probabilities
        assert max(abs(together.probabilities[name] - alone[name]) for name in alone) < PROBABILITY_NOISE / 2
    for together, text in zip(translator(texts(60)), texts(60), strict=True):
        assert abs(together.score - translator(text).score) < SCORE_NOISE / 2

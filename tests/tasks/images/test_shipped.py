"""The models of pictures that ship, on pictures drawn here."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

import regard


def seven(paper: int, ink: int) -> Image.Image:
    image = Image.new("L", (220, 200), paper)
    ImageDraw.Draw(image).line([(60, 45), (160, 45), (95, 165)], fill=ink, width=16)
    return image


@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (250, 30), (90, 200)])
def test_digits_reads_ink_of_any_shade(paper: int, ink: int) -> None:
    read = regard.load("digits")(np.asarray(seven(paper, ink)))
    assert read.label == "7"
    assert read.probabilities["7"] > 0.9


def test_nuclei_finds_each_bright_disc() -> None:
    image = Image.new("L", (200, 160), 12)
    draw = ImageDraw.Draw(image)
    places = [(30, 30), (90, 40), (160, 60), (50, 110), (120, 120)]
    for x, y in places:
        draw.ellipse((x - 10, y - 10, x + 10, y + 10), fill=120)
    noisy = np.asarray(image) + np.random.default_rng(0).normal(0, 3, (160, 200))
    segmented = regard.load("nuclei")(noisy.clip(0, 255).astype(np.uint8))
    assert segmented.count == len(places)
    assert all(segmented.mask[y, x] for x, y in places)
    share = float((np.asarray(segmented.mask) > 0).mean())
    assert share == pytest.approx((np.asarray(image) > 12).mean(), rel=0.15)

"""The pictures that say how good a classifier is: a tested one has them, and an evaluation draws them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regard.tasks.images.confusion_picture import confusion_picture
from regard.tasks.images.reliability_picture import reliability_picture

CONFUSION, RELIABILITY = "confusion.png", "reliability.png"


def class_pictures(figures: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draws how often each class was taken for each other, and whether the classifier is as sure as right.

    Args:
        figures: from `regard.tasks.images.classification.class_figures`.
        folder: for `confusion.png` and `reliability.png`.

    Returns:
        Their paths.

    Raises:
        PictureError: they cannot be written.
    """
    return [
        confusion_picture(figures["confusion"], tuple(figures["classes"]), folder / CONFUSION),
        reliability_picture(figures["reliability"], figures["calibration_error"], folder / RELIABILITY),
    ]

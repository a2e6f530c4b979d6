"""The pictures of a classifier's errors, and the figures that they show."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from regard.tasks.images.class_pictures import class_pictures
from regard.tasks.images.confusion_picture import confusion_picture
from regard.tasks.images.measures.calibration import Calibration
from regard.tasks.images.reliability_picture import reliability_picture


def test_a_tested_classifier_comes_with_both(trained: dict[str, Path], tmp_path: Path) -> None:
    folder = trained["image-classification"]
    figures = json.loads((folder / "metrics.json").read_text())["test"]
    assert sum(one["images"] for one in figures["reliability"]) == figures["images"]
    gaps = [abs(one["accuracy"] - one["confidence"]) * one["images"] for one in figures["reliability"]]
    assert sum(gaps) / figures["images"] == pytest.approx(figures["calibration_error"])
    for path in class_pictures(figures, tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes()
        with Image.open(path) as drawn:
            assert min(drawn.size) > 200


def test_any_number_of_classes_of_any_names_is_drawn(tmp_path: Path) -> None:
    sizes = []
    for count in (30, 90):
        # Named by bytes that are no UTF-8, as folders may be.
        names = [f"$k\udcff{number}" for number in range(count)]
        with Image.open(confusion_picture(np.eye(count), names, tmp_path / f"{count}.png")) as drawn:
            sizes.append(drawn.size)
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


def test_too_sure_and_not_sure_enough_are_both_drawn(tmp_path: Path) -> None:
    calibration = Calibration.of(bins=5)
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(400, 3, generator=random)
    calibration.add(logits.softmax(-1), torch.randint(0, 3, (400,), generator=random))
    names = ("from", "to", "images", "confidence", "accuracy")
    bins = [dict(zip(names, one, strict=True)) for one in calibration.table()]
    bins[0]["accuracy"] = 1.0
    drawn = {}
    for kind, chosen in (("both", bins), ("one", bins[:1])):
        path = reliability_picture(chosen, calibration.error, tmp_path / f"{kind}.png")
        with Image.open(path) as image:
            drawn[kind] = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    modest, boast = (0x56, 0xB4, 0xE9), (0xD5, 0x5E, 0x00)
    assert modest in drawn["both"]
    assert boast in drawn["both"]  # in the legend of the other too

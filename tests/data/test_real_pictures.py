"""Named sets of pictures as they are; run only where REGARD_DATA holds them."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regard.data.images import ImageDataConfig, build_store, check_data, pictures_of, split_of_set

ROOT = Path(os.environ.get("REGARD_DATA", "nowhere"))


def needs(folder: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (ROOT / folder).is_dir(), reason=f"no {folder} under REGARD_DATA")


@needs("isbi2012")
def test_membranes(tmp_path: Path) -> None:
    config = ImageDataConfig(name="isbi2012", channels="grey")
    report = check_data(config, "masks")
    assert report.good
    assert dict(report.pictures) == {"train": 16, "validation": 2, "test": 6}
    store = build_store(pictures_of(config, "test", "masks"), config, tmp_path / "store")
    assert store.values == (0, 255)
    assert store.together is not None
    assert store.together.shape == (6, 512, 512, 1)
    assert 0.7 < np.mean([store.mask(row) for row in range(6)]) < 0.85


@needs("dsb2018")
def test_every_kind_of_nuclei_is_tested() -> None:
    test = split_of_set("dsb2018", "test")
    assert test.instances
    archive = split_of_set("dsb2018", "train")
    assert 0.12 < len(test.examples) / (len(test.examples) + len(archive.examples)) < 0.2
    with test.opening() as load:
        kinds = {load(replace(example, masks=())).kind for example in test.examples}
    assert kinds == {"fluorescence", "stained", "bright field"}


@needs("mnist-png")
def test_digits_of_mnist() -> None:
    test = split_of_set("mnist", "test")
    assert Counter(example.label for example in test.examples)["0"] == 980
    with test.opening() as load:
        pixels = load(test.examples[0]).pixels
    assert pixels.shape == (28, 28, 1)

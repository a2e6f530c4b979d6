"""How far trained models of pictures look."""

from pathlib import Path

import numpy as np
import pytest
from toy_pictures import SIZE, blob

import regard
from regard import UserError
from regard.tasks.images.reach import evenly, reach_of, some_pictures


@pytest.mark.parametrize(
    ("task", "layers"),
    [
        ("image-classification", ["encoder.0.self", "encoder.1.self"]),
        ("segmentation", ["encoder 0", "encoder 1", "bottleneck"]),
    ],
)
def test_each_model_is_measured_by_what_it_is(task: str, layers: list[str], trained: dict[str, Path]) -> None:
    predictor = regard.load(trained[task])
    pictures = some_pictures(predictor, None, "test", 3)
    assert len(pictures) == 3
    reach = reach_of(predictor, pictures, "mine")
    assert (reach.name, list(reach.layers), reach.image_size) == ("mine", layers, (SIZE, SIZE))
    assert all(0 < float(distance) < 2 * SIZE for layer in reach.layers.values() for distance in layer)


def test_a_picture_of_another_size_is_made_what_the_classifier_reads(trained: dict[str, Path]) -> None:
    large = blob(np.random.default_rng(0), 40)[0]
    assert reach_of(regard.load(trained["image-classification"]), [large], "m").image_size == (SIZE, SIZE)
    assert reach_of(regard.load(trained["denoising"]), [large], "m").image_size == (40, 40)


def test_a_set_that_is_not_there_is_told(trained: dict[str, Path]) -> None:
    with pytest.raises(UserError, match="nowhere"):
        some_pictures(regard.load(trained["denoising"]), "nowhere", "test", 3)


def test_some_are_spread_evenly() -> None:
    assert evenly(range(10), 4) == [0, 3, 6, 9]
    assert evenly(range(2), 4) == [0, 1]
    assert evenly(range(9), 1) == [0]

"""What skip connections carry: trials, how like their results are, their pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_pictures import blob

import regard
from regard import UserError
from regard.models.images.unet import UNet
from regard.models.images.unet_config import UNetConfig
from regard.tasks import evaluate
from regard.tasks.images.skips import (
    Trial,
    figures_without_skips,
    likeness,
    results_without_skips,
    trials,
)
from regard.tasks.images.skips_picture import changes_of, skips_picture

UNETS = ("segmentation", "denoising", "anomaly-detection")


def picture(size: int = 21) -> np.ndarray:
    return blob(np.random.default_rng(5), size)[0]


@pytest.mark.parametrize("task", UNETS)
def test_each_trial_has_a_result_and_the_model_is_whole_afterwards(
    task: str, trained: dict[str, Path], tmp_path: Path
) -> None:
    predictor = regard.load(trained[task])
    found = results_without_skips(predictor, picture())
    assert [trial.off for trial in found] == [(), (0,), (1,), (0, 1)]
    whole, *others = found.values()
    again = predictor(picture())
    name = "probabilities" if task == "segmentation" else "pixels" if task == "denoising" else "restored"
    assert np.array_equal(getattr(again, name), getattr(whole, name))
    assert all(not np.array_equal(getattr(other, name), getattr(whole, name)) for other in others)
    assert skips_picture(found, tmp_path / "skips.png", title="$").stat().st_size > 5000


def test_figures_with_all_skips_are_those_of_an_evaluation(trained: dict[str, Path]) -> None:
    predictor = regard.load(trained["segmentation"])
    tried: list[Trial] = []
    found = figures_without_skips(predictor, None, each=tried.append)
    assert tried == list(found) == trials(predictor.model)
    assert found[tried[0]] == evaluate(predictor)
    assert found[tried[0]]["loss"] != found[tried[-1]]["loss"]


def test_likeness_of_masks_is_their_overlap(trained: dict[str, Path]) -> None:
    predictor = regard.load(trained["segmentation"])
    whole, *_, none = results_without_skips(predictor, picture()).values()
    assert likeness(whole, whole)["pixel_error"] == 0.0
    one, other = (result.probabilities.argmax(0).bool() for result in (none, whole))
    like = likeness(none, whole)
    assert like["pixel_error"] == pytest.approx(float((one != other).double().mean()))
    if one.any() or other.any():
        dice = 2 * (one & other).sum() / (one.sum() + other.sum())
        assert like["dice"] == pytest.approx(float(dice))
    else:
        assert like["dice"] is None


def test_likeness_of_restored_pictures_is_in_decibels(trained: dict[str, Path]) -> None:
    whole, without, *_ = results_without_skips(regard.load(trained["denoising"]), picture()).values()
    error = np.mean(((whole.pixels.astype(float) - without.pixels.astype(float)) / 255) ** 2)
    assert likeness(without, whole)["psnr"] == pytest.approx(10 * np.log10(1 / error), rel=1e-4)
    assert likeness(whole, whole)["psnr"] is None  # infinite


def test_changes_tell_lost_from_added() -> None:
    random = torch.Generator().manual_seed(0)
    before, after = (torch.randint(0, 3, (9, 9), generator=random) for _ in range(2))
    changes = changes_of(before, after)
    for here, there, change in zip(before.flatten(), after.flatten(), changes.flatten(), strict=True):
        names = {(False, False): 0, (True, False): 2, (False, True): 3, (True, True): 4}
        expected = 1 if here == there != 0 else names[bool(here), bool(there)]
        assert int(change) == expected


def test_what_has_no_skips_is_told() -> None:
    with pytest.raises(UserError, match="none"):
        trials(torch.nn.Linear(1, 1))
    bare = UNet(UNetConfig(width=4, depth=2, skips="none"), 1, 1, mean=[0.0], std=[1.0])
    with pytest.raises(UserError, match="without skip connections"):
        trials(bare)
    one = UNet(UNetConfig(width=4, depth=2, skips=[1]), 1, 1, mean=[0.0], std=[1.0])
    assert [trial.off for trial in trials(one)] == [(), (1,)]

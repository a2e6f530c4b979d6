"""Every image task from a folder of pictures to a prediction."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from toy_pictures import FOLDERS, MODELS, SIZE, blob, save, table

import regard
from regard import UserError
from regard.data.images import ImageDataConfig, build_store, pictures_of, to_float
from regard.lens import PatchGrid
from regard.models.images.judged_unet import JudgedUNet
from regard.tasks import evaluate, parse_recipe, train
from regard.tasks.heads.image_samples import sample_of_noise
from regard.tasks.images import statistics
from regard.tasks.images.denoising import MOST_PSNR, blind_figures
from regard.tasks.images.measures.ranking import auroc
from regard.tasks.images.noise import NoiseConfig
from regard.tasks.images.segmentation import segmentation_figures
from regard.tasks.images.task import rows_of
from regard.tasks.kinds import KINDS
from regard.training.precision import choose_precision


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels, _ = blob(np.random.default_rng(7), 21)
    save(tmp_path / "picture.png", pixels)
    return tmp_path / "picture.png"


@pytest.mark.parametrize("task", MODELS)
def test_metrics_say_what_loading_needs_and_how_good_it_is(task: str, trained: dict[str, Path]) -> None:
    metrics = json.loads((trained[task] / "metrics.json").read_text())
    assert metrics["image_size"] == [SIZE, SIZE]
    assert metrics["channels"] == 1
    assert set(KINDS[task].task.metrics) <= set(metrics["validation"])
    assert metrics["test"]["images"] > 0


@pytest.mark.parametrize("task", MODELS)
def test_a_loaded_model_gives_the_figures_of_its_test(task: str, trained: dict[str, Path]) -> None:
    written = json.loads((trained[task] / "metrics.json").read_text())["test"]
    again = evaluate(regard.load(trained[task]))
    for name, figure in written.items():
        if isinstance(figure, float):
            assert again[name] == pytest.approx(figure, rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("task", MODELS)
def test_training_again_gives_the_same_weights(
    task: str, pictures: Path, trained: dict[str, Path], tmp_path: Path
) -> None:
    again = train(parse_recipe(table(task, pictures)), tmp_path / "again")
    name = "model.safetensors"
    assert (again / name).read_bytes() == (trained[task] / name).read_bytes()


def test_a_tested_classifier_comes_with_its_confusion(trained: dict[str, Path]) -> None:
    folder = trained["image-classification"]
    figures = json.loads((folder / "metrics.json").read_text())["test"]
    assert sum(map(sum, figures["confusion"])) == figures["images"]
    with Image.open(folder / "confusion.png") as drawn:
        assert min(drawn.size) > 200


def test_a_classifier_says_which_class_and_what_it_looked_at(trained: dict[str, Path], picture: Path) -> None:
    classifier = regard.load(trained["image-classification"])
    result = classifier(picture)
    assert result.label in ("dark", "light")
    assert sum(result.probabilities.values()) == pytest.approx(1)
    seen = result.attention["encoder.1.self"]
    assert seen.key_axis == PatchGrid(4, 4, ("[CLS]",), (SIZE, SIZE))
    torch.testing.assert_close(seen.weights.sum(-1), torch.ones(2, 17))
    several = classifier([picture, np.zeros((SIZE, SIZE), np.uint8)])
    assert several[0].probabilities == pytest.approx(result.probabilities, abs=1e-5)


def test_a_mask_has_the_size_of_the_picture_and_the_values_of_training(
    trained: dict[str, Path], picture: Path
) -> None:
    result = regard.load(trained["segmentation"])(picture)
    assert result.mask.shape == (21, 21)
    assert set(np.unique(result.mask)) <= {0, 255}
    torch.testing.assert_close(result.probabilities.sum(0), torch.ones(21, 21))
    gate = result.attention["decoder.0.gate"]
    assert gate.key_axis == PatchGrid(21, 21, (), (21, 21))
    assert 0 <= float(gate.weights.min()) <= float(gate.weights.max()) <= 1
    assert result.attention["bottleneck.0.self"].weights.shape == (2, 36, 36)


def test_a_denoised_picture_keeps_size_depth_and_channels(trained: dict[str, Path], tmp_path: Path) -> None:
    denoiser = regard.load(trained["denoising"])
    deep = np.random.default_rng(0).integers(0, 65_535, (19, 30, 1)).astype(np.uint16)
    assert denoiser(deep).pixels.dtype == np.uint16
    assert denoiser(deep).pixels.shape == (19, 30, 1)
    assert np.array_equal(denoiser([deep, deep])[1].pixels, denoiser(deep).pixels)


def test_a_detector_scores_and_shows_where(trained: dict[str, Path], picture: Path) -> None:
    result = regard.load(trained["anomaly-detection"])(picture)
    assert result.heat.shape == (21, 21)
    assert result.score == pytest.approx(float(result.heat.max()))
    assert result.anomalous == (result.score > regard.load(trained["anomaly-detection"]).threshold)


def test_an_untrained_predictor_has_other_weights_that_follow_from_the_seed(trained: dict[str, Path]) -> None:
    classifier = regard.load(trained["image-classification"])
    first, second = (classifier.untrained().model.state_dict() for _ in range(2))
    name = "encoder.layers.0.self_attention.projection.weight"
    assert torch.equal(first[name], second[name])
    assert not torch.equal(first[name], classifier.model.state_dict()[name])
    # What pictures are normalised by was known before training.
    assert torch.equal(first["normalise.mean"], classifier.model.state_dict()["normalise.mean"])


def test_confidence_is_set_by_pictures_kept_apart(trained: dict[str, Path], picture: Path) -> None:
    metrics = json.loads((trained["image-classification"] / "metrics.json").read_text())
    assert 0 < metrics["temperature"] != 1
    assert metrics["test"]["loss"] == pytest.approx(
        regard.tasks.evaluate(regard.load(trained["image-classification"]))["loss"], abs=1e-4
    )


def test_a_resnet_has_no_attention_and_says_so_by_having_none(pictures: Path, tmp_path: Path) -> None:
    recipe = table("image-classification", pictures, model={"network": "resnet", "width": 4, "blocks": 1})
    recipe["training"] |= {"epochs": 1, "mixup": 0.2}
    folder = train(parse_recipe(recipe), tmp_path / "resnet")
    assert regard.load(folder)(np.zeros((SIZE, SIZE), np.uint8)).attention == {}


def test_pooling_by_attention_is_a_look_at_the_patches(pictures: Path, tmp_path: Path) -> None:
    recipe = table("image-classification", pictures)
    recipe["model"] = recipe["model"] | {"pooling": "sequence", "registers": 1}
    classifier = regard.load(train(parse_recipe(recipe), tmp_path / "pool"))
    seen = classifier(np.zeros((SIZE, SIZE), np.uint8)).attention
    assert seen["pool.cross"].key_axis == PatchGrid(4, 4, (), (SIZE, SIZE))
    assert float(seen["pool.cross"].weights.sum()) == pytest.approx(1, abs=1e-5)
    assert seen["encoder.0.self"].key_axis == PatchGrid(4, 4, ("[R1]",), (SIZE, SIZE))


def test_a_threshold_that_cannot_be_set_is_told_before_training(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="good images"):
        train(parse_recipe(table("anomaly-detection", pictures, false_alarms=0.001)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_detector_that_restores_removed_squares(pictures: Path, tmp_path: Path) -> None:
    recipe = table("anomaly-detection", pictures, removal={"squares": [2, 4, 16]})
    recipe["map"] = {"differences": ["similarity"], "score": "mean"}
    detector = regard.load(train(parse_recipe(recipe), tmp_path / "removal"))
    picture = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE), np.uint8)
    found, again = detector(picture), detector(picture)
    assert found.score == again.score == pytest.approx(float(found.heat.mean()))
    assert found.heat.equal(again.heat)
    with pytest.raises(UserError, match="no 3 squares"):
        detector(picture[:1, :1])


def test_a_detector_that_judges(pictures: Path, tmp_path: Path) -> None:
    recipe = table("anomaly-detection", pictures, judge={"width": 4, "depth": 2})
    folder = train(parse_recipe(recipe), tmp_path / "judged")
    detector = regard.load(folder)
    assert isinstance(detector.model, JudgedUNet)
    picture = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE + 3), np.uint8)
    found = detector(picture)
    assert found.heat.shape == (SIZE, SIZE + 3)
    assert found.score == pytest.approx(float(found.heat.max()))
    assert 0 <= found.score <= 1
    assert "judged" in (folder / "log.jsonl").read_text()
    # The map is what the judge says, not how far the restoration is.
    with torch.no_grad():
        torch.nn.init.zeros_(detector.model.judge.output.weight)
        detector.model.judge.output.bias.copy_(torch.tensor([1.0, 1.0]))
    assert (detector(picture).heat - 0.5).abs().max() < 1e-6
    with pytest.raises(UserError, match=r"leave one of them out"):
        parse_recipe(recipe | {"removal": {"squares": [2]}})


def test_denoising_without_clean_pictures(pictures: Path, tmp_path: Path) -> None:
    recipe = table("denoising", pictures, clean_targets=False)
    recipe["model"] = recipe["model"] | {"residual": False}
    assert train(parse_recipe(recipe), tmp_path / "blind").is_dir()
    with pytest.raises(UserError, match=r"model\.residual"):
        parse_recipe(table("denoising", pictures, clean_targets=False))


def test_one_class_against_the_others(pictures: Path, tmp_path: Path) -> None:
    recipe = table("anomaly-detection", pictures)
    recipe["data"] |= {"train": str(pictures / "classes"), "good": "dark"}
    folder = train(parse_recipe(recipe), tmp_path / "one")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["classes"] == ["good"]
    assert metrics["test"]["images"] == 12
    recipe["data"]["good"] = "grey"
    with pytest.raises(UserError, match="it has dark, light"):
        train(parse_recipe(recipe), tmp_path / "none")


@pytest.mark.parametrize(
    ("task", "change", "match"),
    [
        ("image-classification", {"model": {"patch": 5}}, "5"),
        ("image-classification", {"model": {"layerz": 5}}, "nearest valid key: 'model.layers'"),
        ("image-classification", {"model": {"network": "resnet", "layers": 3}}, "does not go with"),
        ("segmentation", {"model": {"skips": [7]}}, "skips name level 7"),
        ("segmentation", {"loss": {"boundary": 5.0}}, "do not tell objects apart"),
        (
            "segmentation",
            {"loss": {"class_weights": (1.0, 1.0, 1.0)}},
            "3 numbers, and masks 2 classes: 0, 255",
        ),
        ("anomaly-detection", {"judge": {}, "judge_loss": {"class_weights": (1.0,)}}, "give two numbers"),
        ("anomaly-detection", {"false_alarms": 0.001}, "good images"),
        ("segmentation", {"model": {"network": "vit"}}, "network"),
        (
            "anomaly-detection",
            {"defects": {"kinds": ("noise",)}, "training": {"metric": "synthetic_pixel_auroc"}},
            "leaves no pixel good",
        ),
    ],
)
def test_what_cannot_be_is_told_in_one_plain_error(
    task: str, change: dict[str, object], match: str, pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=match):
        train(parse_recipe(table(task, pictures) | change), tmp_path / "out")


def test_a_detector_learns_from_noise_alone(pictures: Path, tmp_path: Path) -> None:
    recipe = table("anomaly-detection", pictures, defects={"kinds": ["noise"]})
    metrics = json.loads((train(parse_recipe(recipe), tmp_path / "out") / "metrics.json").read_text())
    assert "loss" in metrics["validation"]
    assert "synthetic_pixel_auroc" not in metrics["validation"]


def test_borders_are_of_two_classes(tmp_path: Path) -> None:
    for number in range(6):
        picture, mask = blob(np.random.default_rng(number))
        mask = mask // 255
        mask[0] = 2
        save(tmp_path / f"own/images/{number}.png", picture)
        save(tmp_path / f"own/masks/{number}.png", mask)
    recipe = table("segmentation", tmp_path, borders=True)
    recipe["data"]["train"] = str(tmp_path / "own")
    with pytest.raises(UserError, match=r"borders = true scores cells between borders, .* masks have 3"):
        train(parse_recipe(recipe), tmp_path / "out")


def test_what_is_no_picture_is_told(trained: dict[str, Path]) -> None:
    segmenter = regard.load(trained["segmentation"])
    for given in (torch.rand(3, SIZE, SIZE), Image.new("L", (SIZE, SIZE)), 3):
        with pytest.raises(UserError, match="is no picture: give a file or an array"):
            segmenter(given)


def test_pictures_of_several_sizes_need_a_size_or_a_crop(pictures: Path, tmp_path: Path) -> None:
    for number, size in enumerate((16, 16, 16, 18)):
        for label in ("a", "b"):
            save(tmp_path / "odd" / label / f"{number}.png", np.full((size, size), 9 * number, np.uint8))
    recipe = table("image-classification", pictures)
    recipe["data"] = {"train": str(tmp_path / "odd"), "channels": "grey"}
    with pytest.raises(UserError, match=r"data\.size \(all are resized\)$"):
        train(parse_recipe(recipe), tmp_path / "out")
    recipe["data"]["size"] = 16
    assert train(parse_recipe(recipe), tmp_path / "out").is_dir()


def test_a_class_is_of_the_whole_picture(pictures: Path, tmp_path: Path) -> None:
    recipe = table("image-classification", pictures)
    recipe["data"]["crop"] = 8
    with pytest.raises(UserError, match="whole picture"):
        train(parse_recipe(recipe), tmp_path / "out")


def test_a_single_class_is_nothing_to_tell_apart(pictures: Path, tmp_path: Path) -> None:
    recipe = table("image-classification", pictures)
    for number in range(4):
        save(tmp_path / "one" / "cat" / f"{number}.png", np.zeros((SIZE, SIZE), np.uint8))
    recipe["data"] = {"train": str(tmp_path / "one"), "channels": "grey"}
    with pytest.raises(UserError, match="nothing to tell apart"):
        train(parse_recipe(recipe), tmp_path / "out")


@pytest.mark.parametrize("task", ["image-classification", "segmentation", "denoising"])
def test_only_detection_knows_good_pictures(task: str, pictures: Path) -> None:
    recipe = table(task, pictures)
    recipe["data"]["good"] = "dark"
    with pytest.raises(UserError, match=r"data\.good = 'dark' .* this recipe's task is"):
        parse_recipe(recipe)


def test_a_bad_test_picture_is_told_before_training(pictures: Path, tmp_path: Path) -> None:
    shutil.copytree(pictures / "classes", tmp_path / "classes")
    (tmp_path / "classes/test/dark/broken.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"broken\.png"):
        train(parse_recipe(table("image-classification", tmp_path)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pictures_too_small_for_the_figures_are_told_before_training(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path / f"parts/{number}.png", blob(np.random.default_rng(number), 10)[0])
    with pytest.raises(UserError, match="2 pictures are smaller than 11x11"):
        train(parse_recipe(table("denoising", tmp_path)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_test_pictures_too_small_for_the_figures_are_told_before_training(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path / f"parts/train/{number}.png", blob(np.random.default_rng(number), SIZE)[0])
    save(tmp_path / "parts/test/small.png", blob(np.random.default_rng(9), 10)[0])
    recipe = table("denoising", tmp_path)
    recipe["data"] |= {"train": str(tmp_path / "parts/train"), "test": str(tmp_path / "parts/test")}
    with pytest.raises(UserError, match=r"1 picture is smaller than 11x11.*small\.png"):
        train(parse_recipe(recipe), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pixels_of_a_defect_without_a_mask_are_not_taken_for_good(
    trained: dict[str, Path], pictures: Path, tmp_path: Path
) -> None:
    detector, random = regard.load(trained["anomaly-detection"]), np.random.default_rng(5)
    for number in range(3):
        save(tmp_path / f"good/{number}.png", blob(random)[0])
        save(tmp_path / f"cut/{number}.png", np.full((SIZE, SIZE), 255, np.uint8))
    save(tmp_path / "ground_truth/cut/0.png", np.full((SIZE, SIZE), 255, np.uint8))
    marked = evaluate(detector, tmp_path)["pixel_auroc"]
    assert 0 <= evaluate(detector, tmp_path)["region_overlap"] <= 1
    for number in (1, 2):
        save(tmp_path / f"ground_truth/cut/{number}.png", np.full((SIZE, SIZE), 255, np.uint8))
    # Three pictures that are the same, wholly bad: one of them says as much.
    assert marked == pytest.approx(evaluate(detector, tmp_path)["pixel_auroc"])


def test_a_segmenter_of_objects_is_not_scored_on_classes(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    for number in range(6):
        picture, mask = blob(random)
        save(tmp_path / f"masks/{number}/images/{number}.png", picture)
        save(tmp_path / f"masks/{number}/masks/a.png", mask)
        save(tmp_path / f"masks/{number}/masks/b.png", 255 * np.eye(SIZE, dtype=np.uint8))
    segmenter = regard.load(train(parse_recipe(table("segmentation", tmp_path)), tmp_path / "out"))
    save(tmp_path / "classes/images/1.png", picture)
    save(tmp_path / "classes/masks/1.png", mask // 255)
    assert 0 <= evaluate(segmenter, tmp_path / "classes")["dice"] <= 1
    save(tmp_path / "classes/masks/1.png", mask // 255 + 2 * np.eye(SIZE, dtype=np.uint8))
    with pytest.raises(UserError, match="masks of training mark objects"):
        evaluate(segmenter, tmp_path / "classes")


def test_statistics_of_a_large_picture_are_taken_by_parts(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = parse_recipe(table("denoising", pictures))
    store = KINDS["denoising"].task.prepare(recipe, tmp_path).store
    whole = statistics.channel_statistics(store)
    monkeypatch.setattr(statistics, "_AT_A_TIME", 100)
    seen: list[int] = []
    monkeypatch.setattr(statistics, "to_float", lambda part: seen.append(len(part)) or to_float(part))
    assert np.allclose(statistics.channel_statistics(store), whole, rtol=1e-12)
    assert max(seen) == 100


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_denoiser_of_grey_pictures_keeps_colours_and_transparency(
    trained: dict[str, Path], channels: int
) -> None:
    denoiser = regard.load(trained["denoising"])
    noisy = np.random.default_rng(0).integers(0, 256, (19, 30, channels), np.uint8)
    clean = denoiser(noisy).pixels
    assert clean.shape == noisy.shape
    colours = channels if channels % 2 else channels - 1
    assert np.array_equal(clean[..., colours:], noisy[..., colours:])
    for channel in range(colours):
        assert np.array_equal(clean[..., [channel]], denoiser(noisy[..., [channel]]).pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_denoiser_of_colours_leaves_grey_pictures_grey(pictures: Path, tmp_path: Path, dtype: type) -> None:
    recipe = table("denoising", pictures)
    recipe["data"]["channels"] = "rgb"
    recipe["training"]["epochs"] = 1
    denoiser = regard.load(train(parse_recipe(recipe), tmp_path / "colours"))
    noisy = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (18, 18, 1), dtype)
    clean = denoiser(noisy).pixels
    assert clean.shape == noisy.shape
    assert clean.dtype == dtype


def recipe_for(task: str, root: Path, **sections: Any) -> dict[str, Any]:
    """Of one epoch, on a folder of its own."""
    recipe = table(task, root, **sections)
    recipe["data"]["train"] = str(root / "own")
    recipe["training"]["epochs"] = 1
    return recipe


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_classifier_is_tested_on_pictures_of_other_sizes_as_it_reads_them(
    split: str, pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(pictures / "classes", tmp_path / "own")
    if split == "validation":
        shutil.copytree(tmp_path / "own/test", tmp_path / "own/validation")
    for place in (tmp_path / "own" / split).glob("*/*.png"):
        with Image.open(place) as small:
            small.resize((30, 37)).save(place)
    folder = train(parse_recipe(recipe_for("image-classification", tmp_path)), tmp_path / "out")
    written = json.loads((folder / "metrics.json").read_text())[split]
    assert evaluate(regard.load(folder), split=split)["loss"] == pytest.approx(written["loss"], rel=1e-4)


def test_a_denoiser_that_learns_from_small_pictures_is_tested_on_whole_ones(
    pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(pictures / "parts", tmp_path / "own")
    recipe = recipe_for("denoising", tmp_path)
    recipe["data"]["size"] = 12
    folder = train(parse_recipe(recipe), tmp_path / "out")
    written = json.loads((folder / "metrics.json").read_text())
    for split in ("validation", "test"):
        again = evaluate(regard.load(folder), split=split)
        assert written[split]["ssim"] == pytest.approx(again["ssim"], rel=1e-4)


def test_figures_of_validation_are_those_of_the_model_that_is_kept(trained: dict[str, Path]) -> None:
    # Where training was in bf16, its validation was too.
    near = 1e-4 if choose_precision("auto", torch.device("cpu")) == "fp32" else 0.01
    for task, folder in trained.items():
        written = json.loads((folder / "metrics.json").read_text())["validation"]
        if task != "anomaly-detection":  # which is not evaluated on good pictures alone
            again = evaluate(regard.load(folder), split="validation")
            assert again["loss"] == pytest.approx(written["loss"], rel=near), task
        assert written["updates"] > 0


def test_a_test_of_a_detector_needs_bad_pictures_too(pictures: Path, tmp_path: Path) -> None:
    shutil.copytree(pictures / "classes", tmp_path / "own")
    recipe = recipe_for("anomaly-detection", tmp_path)
    recipe["data"]["good"] = "dark"
    detector = regard.load(train(parse_recipe(recipe), tmp_path / "out"))
    shutil.rmtree(tmp_path / "own/test/light")
    with pytest.raises(UserError, match="of its 6 pictures all are good"):
        train(parse_recipe(recipe), tmp_path / "again")
    assert not (tmp_path / "again").exists()
    with pytest.raises(UserError, match="of its 6 pictures all are good"):
        evaluate(detector)


def test_pixels_that_do_not_count_are_not_good(trained: dict[str, Path], tmp_path: Path) -> None:
    picture, mask = blob(np.random.default_rng(5))
    mask[mask == 0] = 128
    mask[:2] = 0
    for name, pixels in (("cut/1", picture), ("ground_truth/cut/1", mask), ("good/0", 0 * picture + 40)):
        save(tmp_path / f"{name}.png", pixels)
    detector = regard.load(trained["anomaly-detection"])
    whole = evaluate(detector, tmp_path)["pixel_auroc"]
    detector.recipe = detector.recipe.model_copy(
        update={"data": detector.recipe.data.model_copy(update={"ignore": 128})}
    )
    some = evaluate(detector, tmp_path)["pixel_auroc"]
    heat = torch.stack([found.heat for found in detector([tmp_path / "cut/1.png", tmp_path / "good/0.png"])])
    marks = torch.stack([torch.from_numpy(mask), torch.zeros(SIZE, SIZE, dtype=torch.uint8)])
    assert whole != some
    counted = marks != 128
    assert some == pytest.approx(auroc(heat[counted], marks[counted] == 255), abs=2e-3)


def test_masks_without_a_defect_rank_no_pixels(trained: dict[str, Path], tmp_path: Path) -> None:
    picture, mask = blob(np.random.default_rng(5))
    for name, pixels in (("good/0", picture), ("cut/1", picture), ("ground_truth/cut/1", 0 * mask)):
        save(tmp_path / f"{name}.png", pixels)
    figures = evaluate(regard.load(trained["anomaly-detection"]), tmp_path)
    assert "auroc" in figures
    assert "pixel_auroc" not in figures


def test_a_picture_that_is_all_border_is_told_before_training(pictures: Path, tmp_path: Path) -> None:
    shutil.copytree(pictures / "masks", tmp_path / "own")
    save(tmp_path / "own/test/masks/20.png", np.zeros((SIZE, SIZE), np.uint8))
    recipe = recipe_for("segmentation", tmp_path)
    with pytest.raises(UserError, match=r"1 test picture is all border.*20\.png"):
        train(parse_recipe(recipe | {"borders": True}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert train(parse_recipe(recipe), tmp_path / "out").is_dir()


def test_objects_where_pixels_do_not_count_are_not_made_up(tmp_path: Path) -> None:
    there, found = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    there[2:5, 2:5], there[10:] = 1, 200
    found[2:5, 2:5] = found[12:15, 2:5] = found[12:15, 8:12] = 1

    def network(images: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.from_numpy(found == number) for number in (0, 1)])[None] * 9.0

    save(tmp_path / "images/1.png", found)
    save(tmp_path / "masks/1.png", there)
    data = ImageDataConfig(train=tmp_path, validation=tmp_path, mask_values="objects", ignore=200)
    store = build_store(pictures_of(data, "train", "masks"), data, tmp_path / "store")
    recipe = parse_recipe({"task": "segmentation", "data": {"train": str(tmp_path)}})
    model = torch.nn.Module()
    model.forward, model.nothing = network, torch.nn.Parameter(torch.zeros(1))
    figures = segmentation_figures(model, store, recipe)
    assert figures["object_f1"] == 1
    assert figures["count_error"] == 0


def test_a_black_picture_does_not_make_the_mean_infinite(trained: dict[str, Path], tmp_path: Path) -> None:
    save(tmp_path / "black.png", np.zeros((SIZE, SIZE), np.uint8))
    denoiser = regard.load(trained["denoising"])
    denoiser.recipe = denoiser.recipe.model_copy(update={"noise": NoiseConfig(kind="poisson")})
    assert evaluate(denoiser, tmp_path)["noisy_psnr"] == pytest.approx(MOST_PSNR)


def test_without_clean_pictures_whoever_leaves_the_noise_is_worse(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    clean = np.tile(np.linspace(80, 170, 32), (32, 1))
    for number in range(3):
        save(tmp_path / f"{number}.png", random.normal(clean, 20).clip(0, 255).astype(np.uint8))
    data = ImageDataConfig(train=tmp_path, validation=tmp_path, channels="grey")
    store = build_store(pictures_of(data, "train", "plain"), data, tmp_path / "store")
    recipe = parse_recipe(
        {
            "task": "denoising",
            "data": {"train": str(tmp_path)},
            "clean_targets": False,
            "model": {"residual": False},
        }
    )
    known = torch.from_numpy(clean).float()[None] / 255
    perfect, half, nothing = (
        blind_figures(denoise, store, recipe, torch.device("cpu"))["loss"]
        for denoise in (lambda image: known, lambda image: (known + image) / 2, lambda image: image)
    )
    assert perfect < half < nothing


def test_clean_pictures_show_what_noisy_ones_taught(pictures: Path, tmp_path: Path) -> None:
    shutil.copytree(pictures / "parts", tmp_path / "own")
    recipe = recipe_for("denoising", tmp_path, clean_targets=False)
    recipe["model"] = recipe["model"] | {"residual": False}
    folder = train(parse_recipe(recipe), tmp_path / "out")
    written = json.loads((folder / "metrics.json").read_text())
    assert set(written["test"]) == {"loss", "images"}
    denoiser = regard.load(folder)
    assert evaluate(denoiser)["loss"] == pytest.approx(written["test"]["loss"])
    assert evaluate(denoiser, pictures / "parts/test")["psnr"] > 0
    with sample_of_noise(denoiser, None, "test", 1000) as sample:  # for the heads: of noisy pictures no PSNR
        assert (sample.figure, sample.measure()) == (
            "loss at hidden pixels",
            pytest.approx(written["test"]["loss"]),
        )
        assert float(sample.losses().mean()) == pytest.approx(written["test"]["loss"])
    recipe["training"]["metric"] = "psnr"
    with pytest.raises(UserError, match="compares with clean pictures"):
        parse_recipe(recipe)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
@pytest.mark.parametrize("task", ["image-classification", "anomaly-detection"])
def test_a_class_whose_name_is_no_text_is_told_before_training(
    task: str, pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(pictures / FOLDERS[task], tmp_path / "own")
    for split in ("train", "test"):
        for name in ("dark", "scratch"):
            place = tmp_path / "own" / split / name
            if place.exists():
                place.rename(os.fsdecode(os.fsencode(place) + b"\xe9"))
    with pytest.raises(UserError, match=r"\\udce9' is not UTF-8"):
        train(parse_recipe(recipe_for(task, tmp_path)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_large_pictures_are_read_few_at_a_time(tmp_path: Path) -> None:
    for number in range(5):
        save(tmp_path / f"large/{number}.png", np.zeros((1, 1 << 19), np.uint8))
        save(tmp_path / f"small/{number}.png", np.zeros((1, 8), np.uint8))
    found = []
    for name in ("large", "small"):
        data = ImageDataConfig(train=tmp_path / name, validation=tmp_path / name, channels="grey")
        store = build_store(pictures_of(data, "train", "plain"), data, tmp_path / "stores" / name)
        found.append([rows.tolist() for rows in rows_of(store)])
    assert found == [[[0, 1], [2, 3], [4]], [[0, 1, 2, 3, 4]]]


def test_who_waits_for_figures_is_told_how_far_they_are(trained: dict[str, Path]) -> None:
    for folder in trained.values():
        told: list[tuple[int, int]] = []
        evaluate(regard.load(folder), each=lambda done, of, told=told: told.append((done, of)))  # type: ignore[misc]
        assert told[-1][0] == told[-1][1] == len(told)

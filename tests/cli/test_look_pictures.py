"""``regard look`` on models of pictures, and what ``evaluate`` and ``compare`` show of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_pictures import blob, save

from .conftest import Regard


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture, beside which the test runs."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.png", blob(np.random.default_rng(4), 22)[0])
    return Path("a.png")


def is_picture(path: str) -> bool:
    with Image.open(path) as opened:
        return len(opened.convert("L").getcolors()) > 5


def test_distances_of_a_transformer_beside_a_convolutional_network(
    regard: Regard, trained: dict[str, Path], pictures: Path, picture: Path
) -> None:
    models = trained["image-classification"], trained["segmentation"]
    ran = regard("look", "distance", *models, "--data", pictures / "masks" / "test", "--out", "far.png")
    assert ran.code == 0
    assert [line.split()[:2] for line in ran.out.splitlines()[1:3]] == [
        ["image-classification", "encoder.0.self"],
        ["image-classification", "encoder.1.self"],
    ]
    assert is_picture("far.png")
    assert "--force" in regard("look", "distance", *models, "--out", "far.png").err
    assert "ends in .png, .svg, .pdf, .json" in regard("look", "distance", "none", "--out", "far.html").err
    assert regard("look", "distance", *models, "--count", 2, "--out", "far.json").code == 0
    found = json.loads(Path("far.json").read_text())
    assert [(one["what"], len(one["layers"])) for one in found] == [("attention", 2), ("receptive field", 3)]
    assert [len(layer["distances"]) for layer in found[0]["layers"]] == [2, 2]


def test_skips_are_tried_on_a_picture_and_on_data(
    regard: Regard, trained: dict[str, Path], pictures: Path, picture: Path
) -> None:
    model, place = trained["segmentation"], pictures / "masks" / "test"
    ran = regard("look", "skips", model, picture, "--data", place, "--out", "skips.png", "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert [one["off"] for one in found["picture"]] == [[0], [1], [0, 1]]
    assert found["data"][0]["trial"] == "all skips"
    evaluated = json.loads(regard("evaluate", model, "--data", place, "--json").out)
    assert found["data"][0]["iou"] == pytest.approx(evaluated["iou"])
    assert is_picture("skips.png")
    table = regard("look", "skips", trained["denoising"], picture).out
    assert "without any skip" in table
    assert "psnr" in table


def test_the_latent_and_the_positions_are_drawn(
    regard: Regard, trained: dict[str, Path], picture: Path
) -> None:
    for task in ("segmentation", "denoising", "anomaly-detection"):
        assert regard("look", "latent", trained[task], picture, "--out", f"{task}.png").code == 0
        assert is_picture(f"{task}.png")
    assert "--force" in regard("look", "latent", trained["denoising"], picture, "--out", "denoising.png").err
    pixels = Path(picture).read_bytes()
    refused = regard("look", "latent", trained["denoising"], picture, "--out", picture, "--force")
    assert (refused.code, Path(picture).read_bytes()) == (2, pixels)
    assert regard("look", "positions", trained["image-classification"], "positions.png").code == 0
    assert is_picture("positions.png")


def test_attention_of_models_of_pictures(regard: Regard, trained: dict[str, Path], picture: Path) -> None:
    vit, unet = trained["image-classification"], trained["segmentation"]
    ran = regard("look", "attention", vit, picture, "--out", "seen.png", "--heads", "heads.png")
    assert "encoder.1.self" in ran.out
    assert is_picture("seen.png")
    assert is_picture("heads.png")
    assert regard("look", "attention", vit, picture, "--word", "1,2", "--out", "seen.json").code == 0
    assert json.loads(Path("seen.json").read_text())[0]["queries"] == ["1,2"]
    assert regard("look", "attention", unet, "--names").out.split()[-1].endswith("gate")
    ran = regard("look", "attention", unet, picture, "--at", "decoder.0.gate", "--out", "gate.png")
    assert "decoder.0.gate" in ran.out
    assert len(ran.out.splitlines()) < 30  # a grid that a terminal holds
    assert regard("look", "attention", unet, picture, "--out", "unet.png").code == 0
    assert is_picture("unet.png")


def test_heads_that_cannot_be_drawn_leave_no_other_file(
    regard: Regard, trained: dict[str, Path], picture: Path
) -> None:
    model, several = trained["image-classification"], ("--at", "encoder.*.self")
    refused = regard("look", model, picture, *several, "--heads", "heads.png", "--out", "seen.png")
    assert (refused.code, Path("seen.png").exists()) == (2, False)
    assert "--heads draws one place and 2 are meant" in refused.err


def test_a_picture_whose_name_is_no_text(regard: Regard, trained: dict[str, Path], picture: Path) -> None:
    odd = picture.rename("b\udcff.png")  # a byte that is no UTF-8, as Python has it
    model = trained["image-classification"]
    for out in ("seen.html", "seen.png", "seen.json"):
        assert regard("look", model, odd, "--out", out).code == 0
    assert "b?.png" in Path("seen.html").read_text(encoding="utf-8")


def test_a_classifiers_errors_are_drawn_into_a_folder(
    regard: Regard, trained: dict[str, Path], picture: Path
) -> None:
    model = trained["image-classification"]
    ran = regard("evaluate", model, "--pictures", "drawn")
    assert ran.code == 0
    assert "precision" in ran.out
    for name in ("confusion.png", "reliability.png"):
        assert (Path("drawn") / name).read_bytes() == (model / name).read_bytes()
    again = regard("evaluate", model, "--pictures", "drawn")
    assert (again.code, "--force" in again.err) == (2, True)
    assert regard("evaluate", model, "--pictures", "drawn", "--force").code == 0


def test_figures_by_kind_are_a_table(
    regard: Regard, trained: dict[str, Path], pictures: Path, picture: Path
) -> None:
    place = Path("parts")
    shutil.copytree(pictures / "parts" / "test", place)
    shutil.copytree(place / "scratch", place / "worn out")
    ran = regard("evaluate", trained["anomaly-detection"], "--data", place)
    assert ran.code == 0
    head, *rows = ran.out.split("\n\n")[1].splitlines()
    assert head.split() == ["kind", "of", "picture", "auroc", "images"]
    assert [row.split()[0] for row in rows] == ["scratch", "worn"]
    assert [row.split()[-1] for row in rows] == ["6", "6"]


def test_models_of_pictures_side_by_side(regard: Regard, trained: dict[str, Path], tmp_path: Path) -> None:
    model = trained["segmentation"]
    head, _, row = regard("compare", model, "--markdown").out.splitlines()
    assert head == "| model | weights | min | images/s | test Dice | test IoU |"
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    figures = json.loads((model / "metrics.json").read_text())["test"]
    assert cells[0] == "segmentation"
    assert float(cells[3].replace(",", "")) > 0
    assert cells[4:] == [f"{figures['dice']:.4f}", f"{figures['iou']:.4f}"]
    for task, shown in (
        ("image-classification", "calibration"),
        ("denoising", "PSNR"),
        ("anomaly-detection", "AUROC"),
    ):
        assert shown in regard("compare", trained[task], trained[task]).out

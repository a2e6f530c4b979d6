"""Commands that take pictures."""

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
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pictures, one of them in a folder below, and a file that is none; the test runs beside them."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(3)
    save(tmp_path / "in" / "a.png", blob(random, 20)[0])
    save(tmp_path / "in" / "below" / "b.png", blob(random, 24)[0])
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "in" / "notes.txt").write_text("not meant")
    return tmp_path / "in"


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_segment_a_folder_passes_over_what_is_bad(
    regard: Regard, trained: dict[str, Path], folder: Path
) -> None:
    ran = regard("segment", trained["segmentation"], "in", "--overlay", "--objects", "--json")
    assert ran.code == 2
    assert "Skipped" in ran.err
    assert "1 of 3 pictures could not be segmented; the others are done" in ran.err
    records = [json.loads(line) for line in ran.out.splitlines()]
    assert [record["mask"] for record in records] == ["segmented/a.png", "segmented/below/b.png"]
    assert pixels(Path("segmented/below/b.png")).shape == (24, 24)
    assert pixels(Path("segmented/a-overlay.png")).shape == (20, 20, 3)
    assert pixels(Path("segmented/a-objects.png")).max() == records[0]["objects"]


def test_nothing_is_overwritten_unasked(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    model, picture = trained["segmentation"], folder / "a.png"
    assert regard("segment", model, picture).code == 0
    Path("segmented/a.png").write_bytes(b"precious")
    again = regard("segment", model, picture)
    assert again.code == 2
    assert "is there already" in again.err
    assert Path("segmented/a.png").read_bytes() == b"precious"
    assert regard("segment", model, picture, "--force").code == 0
    assert pixels(Path("segmented/a.png")).shape == (20, 20)


def test_two_pictures_never_have_one_result(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    (folder / "below" / "b.png").rename(folder / "a.bmp")
    told = regard("segment", trained["segmentation"], "in").err
    assert "two pictures would have this result; give each an --out of its own" in " ".join(told.split())


def test_denoise_keeps_name_size_and_depth(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65_535, (18, 22)).astype(np.uint16)
    save(folder / "deep.png", deep)
    assert (
        regard("denoise", trained["denoising"], folder / "deep.png", "--out", "clean").out
        == "clean/deep.png\n"
    )
    assert pixels(Path("clean/deep.png")).shape == (18, 22)
    assert pixels(Path("clean/deep.png")).max() > 255


def test_detect_scores_and_draws(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    ran = regard("detect", trained["anomaly-detection"], folder / "a.png", "--overlay", "--json")
    record = json.loads(ran.out)
    assert record["anomalous"] == (record["score"] > record["threshold"])
    heat = pixels(Path(record["heat"]))
    assert (heat.shape, heat.dtype) == ((20, 20), np.uint16)
    # The score is the hottest pixel, and white is twice the threshold.
    assert heat.max() / 65_535 == pytest.approx(min(1, record["score"] / record["threshold"] / 2), abs=1e-4)
    assert Path("detected/a-overlay.png").stat().st_size > 1000


def test_pages_of_a_stack_are_pictures(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    pages = [Image.fromarray(pixels(folder / "a.png")) for _ in range(11)]
    pages[3] = Image.new(pages[0].mode, pages[0].size)
    pages[0].save("film.tif", save_all=True, append_images=pages[1:])
    records = regard("segment", trained["segmentation"], "film.tif", "--json").out.splitlines()
    assert [json.loads(line)["picture"] for line in records][9:] == ["film.tif, page 9", "film.tif, page 10"]
    alone = regard("segment", trained["segmentation"], folder / "a.png", "--out", "alone")
    assert alone.code == 0
    assert np.array_equal(pixels(Path("segmented/film-10.png")), pixels(Path("alone/a.png")))
    assert not np.array_equal(pixels(Path("segmented/film-03.png")), pixels(Path("alone/a.png")))
    regard("denoise", trained["denoising"], "film.tif")
    assert pixels(Path("denoised/film-03.tif")).shape[:2] == (20, 20)


def test_classify_pictures_and_look(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    model, picture = trained["image-classification"], folder / "a.png"
    label, probability, name = regard("classify", model, picture).out.split()
    assert label in ("dark", "light")
    assert float(probability) >= 0.5
    assert name == str(picture)
    looked = regard("classify", model, picture, "--look", "look.png")
    assert "encoder.1.self" in looked.out
    assert Path("look.png").stat().st_size > 1000
    assert regard("classify", model, picture, "--look", "look.json", "--word", "0,1").code == 0
    assert json.loads(Path("look.json").read_text())[0]["queries"] == ["0,1"]
    assert "--look shows one picture" in regard("classify", model, "in", "--look").err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["segment", "{image-classification}", "in"], "a model for segmentation is needed"),
        (["classify", "{segmentation}", "in"], "a classifier is needed"),
        (["classify", "{image-classification}"], "give pictures"),
        (["segment", "{segmentation}", "nowhere"], "nowhere: there is no such file or folder"),
        (["segment", "{segmentation}", "in/broken.png"], "no picture, or damaged"),
        (["detect", "{anomaly-detection}", "empty"], "no pictures in this folder"),
        (["look", "neighbours", "{segmentation}", "cat"], "of models of texts"),
        (["look", "positions", "{denoising}", "p.png"], "adds no positions to patches"),
        (["look", "positions", "{image-classification}", "p.png", "--length", "9"], "for models of texts"),
        (["look", "attention", "{denoising}", "in/a.png"], "regard look distance"),
        (["look", "attention", "{image-classification}", "The cat."], "The cat."),
        (["look", "distance", "{segmentation}", "--out", "d.txt"], "a file of distances ends in"),
        (["look", "distance", "{segmentation}", "--data", "nowhere", "--out", "d.png"], "nowhere"),
        (["look", "distance", "en-fr", "--out", "d.png"], "models of pictures; its task is translation"),
        (["look", "skips", "{image-classification}", "in/a.png"], "in a U-Net"),
        (["look", "skips", "{segmentation}"], "give a picture"),
        (["look", "skips", "{segmentation}", "--data", "in", "--out", "s.png"], "--out draws the results"),
        (["look", "skips", "{segmentation}", "in/a.png", "--out", "s.json"], "a picture ends in .png"),
        (["look", "latent", "{image-classification}", "in/a.png", "--out", "l.png"], "is that of a U-Net"),
        (["look", "latent", "{denoising}", "in/broken.png", "--out", "l.png"], "no picture, or damaged"),
        (["evaluate", "{segmentation}", "--pictures", "p"], "this model's task is segmentation"),
        (["evaluate", "{image-classification}", "--pictures", "in/a.png"], "is a file; name a folder"),
        (["compare", "{segmentation}", "{denoising}"], "models of one task"),
        (["evaluate", "{segmentation}", "--source", "a", "--target", "b"], "are for translators"),
    ],
)
def test_what_cannot_be_is_told(
    arguments: list[str], told: str, regard: Regard, trained: dict[str, Path], folder: Path
) -> None:
    Path("empty").mkdir()
    ran = regard(*(part.format(**{task: str(path) for task, path in trained.items()}) for part in arguments))
    assert ran.code == 2
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_evaluate_on_a_folder_of_ones_own(regard: Regard, trained: dict[str, Path], pictures: Path) -> None:
    place = pictures / "masks" / "test"
    figures = json.loads(regard("evaluate", trained["segmentation"], "--data", place, "--json").out)
    written = json.loads((trained["segmentation"] / "metrics.json").read_text())["test"]
    assert figures["data"] == str(place)
    assert figures["dice"] == pytest.approx(written["dice"])


def test_names_are_no_markup(
    regard: Regard, trained: dict[str, Path], pictures: Path, tmp_path: Path
) -> None:
    place = tmp_path / "[red]:cat:"
    shutil.copytree(pictures / "parts/test/good", place / "good")
    for kind in ("[bold]:dog:", "scratch"):
        shutil.copytree(pictures / "parts/test/scratch", place / kind)
    ran = regard("evaluate", trained["anomaly-detection"], "--data", place)
    assert f"On {place}:" in ran.out
    assert "\n[bold]:dog: " in ran.out


def test_check_names_what_is_wrong(regard: Regard, pictures: Path, folder: Path) -> None:
    assert regard("data", "check", pictures / "masks").code == 0
    ran = regard("data", "check", "in")
    assert ran.code == 2
    assert "broken.png" in ran.out
    report = json.loads(regard("data", "check", "in", "--json").out)
    assert report["findings"][0]["severity"] == "error"
    Path("text.toml").write_text('task = "translation"\ndata.name = "multi30k"\n')
    assert "pictures are checked, not texts" in regard("data", "check", "text.toml").err


def test_many_pictures_are_classified_as_each_alone(regard: Regard, tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    for number in range(70):
        save(tmp_path / f"in/{number:02}.png", random.integers(0, 255, (28, 28), dtype=np.uint8))
    (tmp_path / "in/30.png").write_bytes(b"no picture")
    (tmp_path / "in/69.png").write_bytes(b"no picture")
    ran = regard("classify", "digits", tmp_path / "in", "--json")
    assert ran.code == 2
    assert ran.err.count("Skipped") == 2
    told = [json.loads(line) for line in ran.out.splitlines()]
    names = [f"{number:02}.png" for number in range(69) if number != 30]
    assert [Path(one["picture"]).name for one in told] == names
    for one in told[::9]:
        alone = json.loads(
            regard("classify", "digits", tmp_path / "in" / Path(one["picture"]).name, "--json").out
        )
        assert one["label"] == alone["label"]
        assert one["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)

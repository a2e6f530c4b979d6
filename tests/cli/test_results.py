"""Where results of pictures go: never in the place of what was read, and never with wrong numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_pictures import blob, save

from regard.tasks.images.segmenter import Segmentation

from .conftest import Regard


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture; the test runs beside its folder."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "in" / "a.png", blob(np.random.default_rng(3), 20)[0])
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("command", "task"),
    [("segment", "segmentation"), ("denoise", "denoising"), ("detect", "anomaly-detection")],
)
def test_not_even_by_force_is_a_picture_lost(
    regard: Regard, trained: dict[str, Path], folder: Path, command: str, task: str
) -> None:
    before = (folder / "a.png").read_bytes()
    ran = regard(command, trained[task], "in", "--out", folder.parent / "in", "--force")
    assert ran.code == 2
    assert "is one of the pictures" in ran.err
    assert (folder / "a.png").read_bytes() == before


def test_results_go_into_a_folder(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    ran = regard("segment", trained["segmentation"], "in/a.png", "--out", "in/a.png")
    assert (ran.code, ran.err) == (2, "regard: in/a.png: is a file; --out must be a folder\n")


def test_more_objects_than_16_bits_hold_are_told(
    regard: Regard, trained: dict[str, Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Segmentation, "count", 65_536)
    ran = regard("segment", trained["segmentation"], folder / "a.png", "--objects")
    assert ran.code == 2
    assert "65,536 objects" in ran.err
    assert "leave --objects out" in ran.err
    assert not Path("segmented").exists()


def test_when_no_picture_is_any_good(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    for name in "ab":
        (folder / f"{name}.png").write_bytes(b"no picture")
    assert "none of the 2 pictures could be segmented" in regard("segment", trained["segmentation"], "in").err


def test_links_to_folders_are_followed(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    Path("links").mkdir()
    Path("links/below").symlink_to(folder)
    assert regard("denoise", trained["denoising"], "links").out == "denoised/below/a.png\n"


def test_names_are_no_formulas(regard: Regard, trained: dict[str, Path], folder: Path) -> None:
    name = "a $x^_{ $ b.png"
    (folder / "a.png").rename(folder / name)
    ran = regard("detect", trained["anomaly-detection"], folder / name, "--overlay")
    assert ran.code == 0
    assert Path("detected", name.replace(".png", "-overlay.png")).stat().st_size > 1000

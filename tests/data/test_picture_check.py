"""The check before training: each fault is found, named, and said what comes of it."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import noise, save, save_stack

from regard.data.errors import DataError
from regard.data.images import ImageDataConfig, Report, check_data, pictures_of
from regard.data.images.check import layout_of
from regard.data.images.folders import Layout


def check(place: Path, layout: Layout, window: tuple[int, int] | None = None, **options: Any) -> Report:
    return check_data(ImageDataConfig(train=place, **options), layout, window)


def found(report: Report, severity: str, what: str) -> tuple[str, ...]:
    """Files of the one finding that says so."""
    matching = [f for f in report.findings if f.severity == severity and re.search(what, f.what)]
    assert len(matching) == 1, report.findings
    return matching[0].files


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    for label, name in enumerate(("cat", "dog")):
        for number in range(12):
            save(tmp_path / f"set/{name}/{number}.png", noise(8, 8, 3, seed=100 * label + number))
    return tmp_path / "set"


@pytest.fixture
def masked(tmp_path: Path) -> Path:
    for number in range(10):
        save(tmp_path / f"set/images/{number}.png", noise(8, 8, 3, seed=number))
        save(tmp_path / f"set/masks/{number}.png", noise(8, 8, seed=number) // 128 * 255)
    return tmp_path / "set"


class TestClasses:
    def test_what_is_said_of_good_data(self, classes: Path) -> None:
        (classes / "notes.txt").write_text("x")
        report = check(classes, "classes")
        assert report.good
        assert {finding.severity for finding in report.findings} == {"note"}
        assert dict(report.pictures) == {"train": 20, "validation": 4}
        found(report, "note", "2 classes: cat 10, dog 10")
        found(report, "note", r"channels: RGB \(24\); all become rgb$")
        found(report, "note", r"sizes \(rows x columns\): 8x8 \(24\)")
        found(report, "note", "uint8: values from 0 to 255; 255 becomes 1")
        assert found(report, "note", "1 file is no part of this and passed over") == ("notes.txt",)

    def test_a_single_class(self, tmp_path: Path) -> None:
        for number in range(4):
            save(tmp_path / f"cat/{number}.png", noise(8, 8, seed=number))
        report = check(tmp_path, "classes")
        assert not report.good
        found(report, "error", r"a single class \(cat 3\)")

    def test_unbalanced_and_missing_classes(self, classes: Path, tmp_path: Path) -> None:
        for number in range(200):
            save(classes / f"dog/more{number}.png", noise(8, 8, 3, seed=1000 + number))
        save(tmp_path / "held/dog/1.png", noise(8, 8, 3, seed=5000))
        save(tmp_path / "held/emu/1.png", noise(8, 8, 3, seed=5001))
        report = check(classes, "classes", validation=tmp_path / "held")
        found(report, "warning", "dog has 18 times as many pictures as cat")
        found(report, "warning", "validation has no picture of cat")
        found(report, "error", "validation has classes that training has not: emu")

    def test_unreadable_files(self, classes: Path) -> None:
        (classes / "cat/3.png").write_bytes(b"")
        (classes / "dog/3.png").write_bytes((classes / "dog/3.png").read_bytes()[:50])
        save(classes / "dog/5.tif", np.full((8, 8), np.nan, np.float32))
        report = check(classes, "classes")
        assert not report.good
        files = found(report, "error", "3 pictures or masks cannot be used: training will not start")
        for name in (
            "cat/3.png: is empty",
            "dog/3.png: damaged, or cut off",
            "dog/5.tif: has pixels",
        ):
            assert any(name in file for file in files)

    def test_duplicates(self, classes: Path) -> None:
        config = ImageDataConfig(train=classes)
        held = next(name for name in check_names(config, "validation") if name.startswith("cat"))
        kept = [name for name in check_names(config, "train") if name.startswith("cat")]
        (classes / kept[0]).write_bytes((classes / held).read_bytes())
        (classes / kept[1]).write_bytes((classes / kept[2]).read_bytes())
        (classes / "dog/0.png").write_bytes((classes / kept[3]).read_bytes())
        report = check(classes, "classes")
        assert report.good
        between = found(report, "warning", "1 picture is in more than one split")
        assert between == (f"train: {kept[0]} = validation: {held}",)
        assert f"train: {kept[1]} = train: {kept[2]}" in found(report, "warning", "there more than once")
        assert len(found(report, "warning", "1 picture is in more than one class")) == 1

    def test_sizes_and_windows(self, classes: Path) -> None:
        save(classes / "cat/0.png", noise(4, 20, 3))
        report = check(classes, "classes")
        found(report, "error", r"several sizes: give data\.size")
        assert check(classes, "classes", size=8).good
        shutil.copytree(classes, classes.parent / "held")
        shutil.copyfile(classes / "cat/1.png", classes / "cat/0.png")
        assert check(classes, "classes", validation=classes.parent / "held").good  # batches are of training
        save(classes / "cat/0.png", noise(4, 20, 3))
        report = check(classes, "classes", window=(6, 6))
        assert report.good
        assert found(report, "warning", "1 picture is smaller than 6x6")[0].endswith("cat/0.png")

    def test_channels_and_depths(self, classes: Path) -> None:
        save(classes / "cat/0.png", noise(8, 8, 4))
        save(classes / "cat/1.png", noise(8, 8, dtype=np.uint16) // 64)
        save(classes / "cat/2.png", np.full((8, 8, 3), 7, np.uint8))
        report = check(classes, "classes", channels="grey")
        found(report, "note", r"RGB \(22\), .*; all become grey; what is transparent is laid on white")
        found(report, "warning", "16-bit pictures use no value above")
        assert found(report, "warning", "several depths: .*uint16")[0].endswith("cat/1.png")
        assert found(report, "warning", "1 picture has one value in all pixels")[0].endswith("cat/2.png")


class TestMasks:
    def test_values_and_empty_masks(self, masked: Path) -> None:
        save(masked / "masks/4.png", np.zeros((8, 8), np.uint8))
        report = check(masked, "masks")
        assert report.good
        found(report, "note", r"mask values: 0 \(\d+\.\d% of pixels\), 255 .* become the classes 0 to 1")
        assert found(report, "warning", "1 mask has one value in all pixels")[0].endswith("images/4.png")

    def test_the_greatest_value_is_a_class_like_others(self, masked: Path) -> None:
        for number in range(10):
            save(masked / f"masks/{number}.png", np.array([[0, 65535]] * 32, np.uint16).reshape(8, 8))
        report = check(masked, "masks")
        found(report, "note", r"mask values: 0 \(50\.0% of pixels\), 65535")
        assert not [finding for finding in report.findings if "one value in all" in finding.what]

    def test_three_channels_and_other_sizes(self, masked: Path) -> None:
        save(masked / "masks/1.png", noise(8, 8, 3))
        save(masked / "masks/2.png", noise(9, 8))
        report = check(masked, "masks")
        files = found(report, "error", "2 pictures or masks cannot be used")
        assert any("masks/1.png: a mask in colours" in file for file in files)
        assert any("is 8 rows by 8 columns, its mask" in file for file in files)

    def test_unexpected_values(self, masked: Path) -> None:
        names = check_names(ImageDataConfig(train=masked), "validation")
        name = names[0].replace("images", "masks")
        save(masked / name, np.full((8, 8), 3, np.uint8))
        report = check(masked, "masks")
        assert found(report, "error", "values that training's have not")[0] == f"validation: {names[0]}"
        for number in range(10):
            save(masked / f"masks/{number}.png", noise(8, 8, seed=number))
        assert found(check(masked, "masks"), "error", r"masks have \d+ values and so are no classes")
        for number in range(10):
            save(masked / f"masks/{number}.png", np.full((8, 8), 255, np.uint8))
        found(check(masked, "masks"), "error", "all masks have the one value 255")

    def test_instances(self, tmp_path: Path) -> None:
        for one in "abc":
            save(tmp_path / f"{one}/images/{one}.png", noise(4, 4, seed=ord(one)))
            for number in range(2):
                blob = np.zeros((4, 4), np.uint8)
                blob[number] = 255
                save(tmp_path / f"{one}/masks/{number}x.png", blob)
        report = check(tmp_path, "masks")
        found(report, "note", r"masks mark instances: 2 to 2 in a picture, .*50\.0% of pixels")

    @pytest.mark.parametrize(("most", "severity"), [(1, "warning"), (2, "error")])
    def test_instances_in_one_split_alone(self, tmp_path: Path, most: int, severity: str) -> None:
        for one in "abc":
            save(tmp_path / f"set/train/{one}/images/{one}.png", noise(4, 4, seed=ord(one)))
            for number in range(2):
                save(tmp_path / f"set/train/{one}/masks/{number}.png", np.eye(4, k=number, dtype=np.uint8))
        save(tmp_path / "set/val/images/1.png", noise(4, 4))
        save(tmp_path / "set/val/masks/1.png", np.minimum(np.arange(16, dtype=np.uint8), most).reshape(4, 4))
        report = check(tmp_path / "set", "masks")
        found(report, "note", "masks mark instances: 2 to 2 in a picture")
        found(report, severity, "masks of validation .* other splits")
        assert report.good == (severity == "warning")

    def test_missing_masks(self, masked: Path) -> None:
        (masked / "masks/3.png").unlink()
        report = check(masked, "masks")
        assert not report.good
        found(report, "error", r"1 of 10 pictures have no mask .*images/3\.png")


def check_names(config: ImageDataConfig, split: str) -> list[str]:
    layout = layout_of(config.train) if config.train else "plain"
    return [example.name for example in pictures_of(config, split, layout).examples]


def test_layouts_are_guessed_of_places(classes: Path, tmp_path: Path) -> None:
    assert layout_of(classes) == "classes"
    assert layout_of(save_stack(tmp_path / "a.tif", [noise(3, 3)] * 2)) == "plain"
    # Below a folder that holds everything, and one for training alone.
    for above in ("packed", "packed/train"):
        shutil.copytree(classes, tmp_path / above / "more" / above)
        assert layout_of(tmp_path / above / "more") == "classes"
    with pytest.raises(DataError, match="no such folder"):
        layout_of(tmp_path / "none")
    with pytest.raises(DataError, match="no such folder"):
        check(tmp_path / "none", "plain")

"""Stores of pictures: what went in comes out, whole or not at all, and is found again."""

import io
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import noise, save
from rich.console import Console

from regard.data.errors import DataError
from regard.data.images import ImageDataConfig, PictureStore, build_store, pictures_of
from regard.data.images.build import _Writer
from regard.data.images.folders import Layout
from regard.data.images.pixels import as_channels


def stored(place: Path, layout: Layout, out: Path, split: str = "train", **options: Any) -> PictureStore:
    config = ImageDataConfig(train=place, validation=place, **{"channels": "grey", **options})
    return build_store(pictures_of(config, split, layout), config, out)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    for label, name in enumerate(("cat", "dog", "10", "9")):
        for number in range(3):
            save(tmp_path / f"set/{name}/{number}.png", noise(4, 6, seed=10 * label + number))
    return tmp_path / "set"


@pytest.fixture
def masked(tmp_path: Path) -> Path:
    for number in range(4):
        save(tmp_path / f"scans/images/{number}.png", noise(5 + number, 7, 3, seed=number))
        values = np.array([0, 128, 255], np.uint8)[noise(5 + number, 7, seed=9 + number) % 3]
        save(tmp_path / f"scans/masks/{number}.png", values)
    return tmp_path / "scans"


def test_classes_come_back(classes: Path, tmp_path: Path) -> None:
    store = stored(classes, "classes", tmp_path / "store")
    assert store.classes == ("9", "10", "cat", "dog")
    assert store.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert store.names[:4] == ("9/0.png", "9/1.png", "9/2.png", "10/0.png")
    assert np.array_equal(store.picture(6)[..., 0], noise(4, 6, seed=0))
    assert store.together is not None
    assert store.together.shape == (12, 4, 6, 1)
    assert all(np.array_equal(store.together[row], store.picture(row)) for row in range(12))
    assert store.mask(0) is None
    with pytest.raises(IndexError):
        store.picture(12)


def test_masks_become_classes(masked: Path, tmp_path: Path) -> None:
    store = stored(masked, "masks", tmp_path / "store", channels="rgb")
    assert store.values == (0, 128, 255)
    assert store.together is None
    for row in range(4):
        assert np.array_equal(store.picture(row), noise(5 + row, 7, 3, seed=row))
        assert np.array_equal(store.mask(row), noise(5 + row, 7, seed=9 + row) % 3)  # type: ignore[arg-type]
    void = stored(masked, "masks", tmp_path / "void", channels="rgb", ignore=128)
    assert void.values == (0, 255)
    assert set(np.unique(void.mask(0)).tolist()) == {0, 1, 65535}  # type: ignore[arg-type]


def test_depths_and_channels(tmp_path: Path) -> None:
    pixels = [noise(3, 5), noise(3, 5, dtype=np.uint16), noise(3, 5, dtype=np.float32), noise(3, 5, 4)]
    for number, one in enumerate(pixels):
        save(tmp_path / f"set/{number}.{'tif' if number == 2 else 'png'}", one)
    store = stored(tmp_path / "set", "plain", tmp_path / "store")
    for row, one in enumerate(pixels):
        assert store.picture(row).dtype == one.dtype
        assert np.array_equal(store.picture(row), as_channels(one.reshape(3, 5, -1), "grey"))
    assert store.together is None
    small = stored(tmp_path / "set", "plain", tmp_path / "small", size=(2, 4))
    assert [small.picture(row).shape for row in range(4)] == [(2, 4, 1)] * 4


def test_it_is_found_again(classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = stored(classes, "classes", tmp_path / "store")
    with monkeypatch.context() as changed:
        changed.setattr(_Writer, "add", lambda *_: pytest.fail("read again"))
        assert stored(classes, "classes", tmp_path / "store").digest == first.digest
        with pytest.raises(BaseException, match="read again"):
            stored(classes, "classes", tmp_path / "store", channels="rgb")
    assert stored(classes, "classes", tmp_path / "other").digest == first.digest
    save(classes / "cat/1.png", noise(4, 6, seed=99))
    assert stored(classes, "classes", tmp_path / "store").digest != first.digest
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("file", ["pixels", "shapes", "pictures.json"])
def test_a_damaged_store_is_made_anew(classes: Path, tmp_path: Path, file: str) -> None:
    first = stored(classes, "classes", tmp_path / "store")
    damaged = tmp_path / "store" / file
    damaged.write_bytes(damaged.read_bytes()[:-3])
    with pytest.raises(DataError, match="delete the folder"):
        PictureStore(tmp_path / "store")
    assert stored(classes, "classes", tmp_path / "store").digest == first.digest


def test_targets_are_part_of_the_digest(masked: Path, tmp_path: Path) -> None:
    first = stored(masked, "masks", tmp_path / "store")
    save(masked / "masks/0.png", np.where(noise(5, 7, seed=9) % 3 == 1, 0, 255).astype(np.uint8))
    assert stored(masked, "masks", tmp_path / "store").digest != first.digest


def test_other_splits_follow_training(classes: Path, masked: Path, tmp_path: Path) -> None:
    config = ImageDataConfig(train=classes, channels="grey", hold_out=0.3)
    train = build_store(pictures_of(config, "train", "classes"), config, tmp_path / "train")
    held = pictures_of(config, "validation", "classes")
    only = held.only([example for example in held.examples if example.label == "dog"])
    store = build_store(only, config, tmp_path / "held", like=train.meaning)
    assert store.classes == train.classes
    assert set(store.labels.tolist()) == {3}
    odd = held.only([replace(held.examples[0], label="bird")])
    with pytest.raises(DataError, match="classes that training has not: bird"):
        build_store(odd, config, tmp_path / "odd", like=train.meaning)

    config = ImageDataConfig(train=masked, validation=masked)
    train = build_store(pictures_of(config, "train", "masks"), config, tmp_path / "masks")
    save(masked / "masks/2.png", np.full((7, 7), 77, np.uint8))
    with pytest.raises(
        DataError, match=r"images/2\.png: mask values that training has not: 77; those are 0, 128, 255"
    ):
        build_store(pictures_of(config, "validation", "masks"), config, tmp_path / "bad", like=train.meaning)


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """Masks that mark one object each."""
    for one in "abc":
        save(tmp_path / f"marked/{one}/images/{one}.png", noise(6, 6, seed=ord(one)))
        for row in range(2):
            mask = np.where(np.arange(36).reshape(6, 6) // 6 == row, 255, 0).astype(np.uint8)
            save(tmp_path / f"marked/{one}/masks/{row}.png", mask)
    return tmp_path / "marked"


@pytest.mark.parametrize(("numbers", "values"), [((0,), (0, 1)), ((0, 255), (0, 255)), ((7,), (0, 7))])
def test_masks_of_objects_go_with_masks_of_one_class(
    marked: Path, tmp_path: Path, numbers: tuple[int, ...], values: tuple[int, ...]
) -> None:
    train = stored(marked, "masks", tmp_path / "train")
    assert train.meaning.instances
    save(tmp_path / "kept/images/1.png", noise(6, 6))
    mask = np.resize(np.array(numbers, np.uint8), (6, 6))
    save(tmp_path / "kept/masks/1.png", mask)
    config = ImageDataConfig(train=tmp_path / "kept", validation=tmp_path / "kept", channels="grey")
    kept = pictures_of(config, "validation", "masks")
    store = build_store(kept, config, tmp_path / "store", like=train.meaning)
    assert store.values == values
    assert np.array_equal(store.mask(0), mask > 0)  # type: ignore[arg-type]


def test_masks_of_objects_and_of_classes_do_not_mix(marked: Path, masked: Path, tmp_path: Path) -> None:
    objects = stored(marked, "masks", tmp_path / "objects")
    classes = stored(masked, "masks", tmp_path / "classes")
    for place, like, message in (
        (masked, objects, r"images/0\.png: with its mask there are the numbers 0, 128, 255, and masks of"),
        (marked, classes, "masks mark objects, and those of training 3 classes"),
    ):
        config = ImageDataConfig(train=place, validation=place, channels="grey")
        pictures = pictures_of(config, "validation", "masks")
        with pytest.raises(DataError, match=message):
            build_store(pictures, config, tmp_path / "mixed", like=like.meaning)


def test_good_pictures_come_first(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"set/train/good/{number}.png", noise(4, 4, seed=number))
    for number, name in enumerate(("good", "abrasion")):
        save(tmp_path / f"set/test/{name}/0.png", noise(4, 4, seed=9 + number))
    save(tmp_path / "set/ground_truth/abrasion/0.png", np.eye(4, dtype=np.uint8) * 200)
    config = ImageDataConfig(train=tmp_path / "set")
    train = build_store(pictures_of(config, "train", "good"), config, tmp_path / "train")
    test = build_store(pictures_of(config, "test", "good"), config, tmp_path / "test", like=train.meaning)
    assert train.classes == ("good",)
    assert test.classes == ("good", "abrasion")
    assert dict(zip(test.names, test.labels.tolist(), strict=True)) == {
        "test/abrasion/0.png": 1,
        "test/good/0.png": 0,
    }
    assert np.array_equal(test.mask(0), np.eye(4))  # type: ignore[arg-type]


class TestBad:
    def test_all_bad_files_are_named(self, tmp_path: Path) -> None:
        for number in range(20):
            path = save(tmp_path / f"set/{number}.png", noise(4, 4, seed=number))
            if number % 2:
                path.write_bytes(b"" if number % 4 == 1 else path.read_bytes()[:60])
        with pytest.raises(DataError) as error:
            stored(tmp_path / "set", "plain", tmp_path / "store")
        lines = str(error.value).split("\n")
        assert lines[0] == "10 pictures cannot be used:"
        assert len(lines) == 11
        for number in range(1, 20, 2):
            assert any(line.startswith(f"{tmp_path}/set/{number}.png: ") for line in lines)
        assert [path.name for path in tmp_path.iterdir()] == ["set"]

    def test_a_link_to_nowhere_is_one_of_them(self, classes: Path, tmp_path: Path) -> None:
        (classes / "cat/0.png").write_bytes(b"")
        (classes / "cat/9.png").symlink_to("nowhere.png")
        with pytest.raises(DataError, match=r"(?s)2 pictures cannot be used:.*9\.png: there is no such file"):
            stored(classes, "classes", tmp_path / "store")

    def test_no_more_than_ten(self, tmp_path: Path) -> None:
        for number in range(13):
            (tmp_path / "set").mkdir(exist_ok=True)
            (tmp_path / f"set/{number}.png").write_bytes(b"")
        with pytest.raises(DataError, match="13 pictures cannot be used") as error:
            stored(tmp_path / "set", "plain", tmp_path / "store")
        assert str(error.value).endswith("9.png: is empty\n…")

    def test_smoothed_masks(self, masked: Path, tmp_path: Path) -> None:
        save(masked / "masks/3.png", noise(8, 7, seed=1) | 1)
        save(masked / "masks/2.png", np.arange(49, dtype=np.uint8).reshape(7, 7) * 2)
        with pytest.raises(DataError, match=r"more than 64 values \(one too many: images/3\.png\)"):
            stored(masked, "masks", tmp_path / "store")

    def test_something_else_is_there(self, classes: Path, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine/thesis.txt").write_text("x")
        with pytest.raises(DataError, match="holds something else"):
            stored(classes, "classes", tmp_path / "mine")
        assert (tmp_path / "mine/thesis.txt").read_text() == "x"

    def test_a_full_disk(self, classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(_Writer, "add", full)
        with pytest.raises(DataError, match="could not be written \\(No space left on device\\)"):
            stored(classes, "classes", tmp_path / "store")
        assert [path.name for path in tmp_path.iterdir()] == ["set"]

    def test_no_store(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no store of pictures"):
            PictureStore(tmp_path)
        (tmp_path / "pictures.json").write_text(json.dumps({"format": 99}))
        with pytest.raises(DataError, match="format 99"):
            PictureStore(tmp_path)


def test_workers_map_it_themselves(classes: Path, tmp_path: Path) -> None:
    store = stored(classes, "classes", tmp_path / "store")
    copy = pickle.loads(pickle.dumps(store))
    assert len(pickle.dumps(store)) < 500
    assert np.array_equal(copy.picture(3), store.picture(3))


def test_a_bar_is_shown(classes: Path, tmp_path: Path) -> None:
    config = ImageDataConfig(train=classes, validation=classes)
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    build_store(pictures_of(config, "train", "classes"), config, tmp_path / "store", console=console)
    assert "12/12" in console.file.getvalue()  # type: ignore[attr-defined]

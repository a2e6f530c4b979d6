"""Named sets of pictures, from small copies of their files."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from picture_files import noise, save
from PIL import Image

from regard.data import catalogue, fetch
from regard.data.errors import DataError
from regard.data.images import ImageDataConfig, build_store, pictures_of, split_of_set
from regard.data.images.kinds import stain
from regard.data.images.named_sets import CIFAR_CLASSES
from regard.data.sources import NamedSet, Source


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing but small copies is seen."""
    monkeypatch.setenv("REGARD_DATA", str(tmp_path))
    monkeypatch.setenv("REGARD_CACHE", str(tmp_path / "cache"))
    return tmp_path


def tar(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "file"),
    [("mnist", "mnist-png/mnist_png.tar.gz"), ("cifar10-jpeg", "cifar10-jpeg/cifar10_jpg.tar.gz")],
)
@pytest.mark.parametrize("folder", ["", "copy-of-it-1234/"])
def test_archives_of_classes(data: Path, name: str, file: str, folder: str) -> None:
    files = {
        f"{folder}{split}/{label}/{number}.png": png(noise(4, 4, seed=10 * label + number))
        for split, count in (("train", 10), ("test", 3))
        for label in range(2)
        for number in range(count)
    }
    tar(data / file, {f"{folder}README.md": b"about"} | files)
    sizes = {split: len(split_of_set(name, split).examples) for split in ("train", "validation", "test")}
    assert sizes == {"train": 18, "validation": 2, "test": 6}
    assert len(split_of_set(name, "validation", 0.5).examples) == 10
    train = split_of_set(name, "train")
    assert {example.label for example in train.examples} == {"0", "1"}
    with train.opening() as load:
        assert load(train.examples[0]).pixels.shape == (4, 4, 1)


def test_cifar10(data: Path) -> None:
    def batch(count: int, seed: int) -> bytes:
        records = noise(count, 3073, seed=seed)
        records[:, 0] = np.arange(count) % 10
        return records.tobytes()

    files = {f"cifar-10-batches-bin/data_batch_{number}.bin": batch(20, number) for number in range(1, 6)}
    tar(
        data / "cifar10/cifar-10-binary.tar.gz", files | {"cifar-10-batches-bin/test_batch.bin": batch(10, 9)}
    )
    sizes = {split: len(split_of_set("cifar10", split).examples) for split in ("train", "validation", "test")}
    assert sizes == {"train": 90, "validation": 10, "test": 10}
    config = ImageDataConfig(name="cifar10")
    store = build_store(pictures_of(config, "test", "classes"), config, data / "store")
    assert store.classes == CIFAR_CLASSES
    planes = noise(10, 3073, seed=9)[4, 1:].reshape(3, 32, 32)
    assert np.array_equal(store.picture(4), planes.transpose(1, 2, 0))
    assert store.labels.tolist() == list(range(10))
    tar(data / "cifar10/cifar-10-binary.tar.gz", {"test_batch.bin": bytes(3072)})
    with pytest.raises(DataError, match="not the binary edition"):
        split_of_set("cifar10", "test")


def test_isbi2012(data: Path) -> None:
    for number in range(24):
        save(data / f"isbi2012/train/image/{number}.png", noise(6, 6, seed=number))
        save(data / f"isbi2012/train/label/{number}.png", noise(6, 6, seed=number) // 128 * 255)
    slices = {
        split: [int(Path(example.name).stem) for example in split_of_set("isbi2012", split).examples]
        for split in ("train", "validation", "test")
    }
    assert slices == {"train": list(range(16)), "validation": [16, 17], "test": list(range(18, 24))}
    config = ImageDataConfig(name="isbi2012", channels="grey")
    store = build_store(pictures_of(config, "test", "masks"), config, data / "store")
    assert store.values == (0, 255)
    assert np.array_equal(store.mask(0), store.picture(0)[..., 0] // 128)  # type: ignore[arg-type]
    assert catalogue.get("isbi2012") == data / "isbi2012"
    assert len(pictures_of(config, "train", "plain").examples) == 16
    with pytest.raises(DataError, match=r"data\.name = 'isbi2012': this set has no classes"):
        pictures_of(config, "train", "classes")


def test_dsb2018(data: Path) -> None:
    files = {}
    for number in range(60):
        colour = ((5, 5, 5), (150, 90, 170), (230, 230, 230))[number % 3]
        picture = np.full((5, 5, 4), (*colour, 255), np.uint8)
        one = f"stage1_train/{number}abc"
        files[f"{one}/images/{number}abc.png"] = png(picture)
        for row in range(2):
            blob = np.zeros((5, 5), np.uint8)
            blob[2 * row] = 255
            files[f"{one}/masks/{row}.png"] = png(blob)
    tar(data / "dsb2018/stage1_train.tar.gz", files)
    found = {split: split_of_set("dsb2018", split) for split in ("train", "validation", "test")}
    names = {split: {example.name for example in pictures.examples} for split, pictures in found.items()}
    assert sum(map(len, names.values())) == len(set.union(*names.values())) == 60
    assert 4 <= len(names["test"]) <= 15
    # Which half of the set is here changes nothing of what the test holds.
    tar(data / "dsb2018/stage1_train.tar.gz", dict(list(files.items())[:90]))
    half = {example.name for example in split_of_set("dsb2018", "test").examples}
    assert half == {name for name in names["test"] if int(name.split("abc")[0]) < 30}
    config = ImageDataConfig(name="dsb2018")
    store = build_store(pictures_of(config, "train", "masks"), config, data / "store")
    kinds = {"fluorescence": 0, "stained": 1, "bright field": 2}
    assert [kinds[kind] for kind in store.kinds] == [int(name.split("abc")[0]) % 3 for name in store.names]
    assert store.instances
    assert store.mask(0)[:, 0].tolist() == [1, 0, 2, 0, 0]  # type: ignore[index]


def test_digits(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "find_spec", lambda _: None)
    rows = np.hstack([noise(400, 64) % 17, (np.arange(400) % 10)[:, None]])
    (data / "digits").mkdir()
    text = "".join(",".join(f"{value:.1f}" for value in row) + "\n" for row in rows)
    (data / "digits/digits.csv.gz").write_bytes(gzip.compress(text.encode()))
    config = ImageDataConfig(name="digits", channels="grey", hold_out=0.2)
    store = build_store(pictures_of(config, "test", "classes"), config, data / "store")
    assert len(store) == 360
    assert store.labels[:3].tolist() == [0, 1, 2]
    expected = np.rint(rows[40, :64].reshape(8, 8) * 255 / 16)
    assert np.array_equal(store.picture(0)[..., 0], expected)
    (data / "digits/digits.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match=r"digits\.csv\.gz: damaged"):
        split_of_set("digits", "train")


def test_a_file_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "packs/some_package/data").mkdir(parents=True)
    (tmp_path / "packs/some_package/__init__.py").write_text("raise RuntimeError('never imported')")
    file = tmp_path / "packs/some_package/data/x.csv"
    file.write_text("1,2\n")
    monkeypatch.syspath_prepend(tmp_path / "packs")
    source = Source(
        "x.csv", "https://nowhere.invalid/x.csv", fetch.digest_of(file), package="some_package/data/x.csv"
    )
    known = NamedSet("x", "about", "none", False, "me", "https://nowhere.invalid", (source,))
    assert fetch.find(known, "x.csv") == file
    file.write_text("another edition\n")
    with pytest.raises(DataError, match="cannot be reached"):
        fetch.find(known, "x.csv")


def test_wrong_names() -> None:
    with pytest.raises(DataError, match="did you mean 'mnist'"):
        split_of_set("minst", "train")
    with pytest.raises(DataError, match="is a set of text"):
        split_of_set("multi30k", "train")
    with pytest.raises(DataError, match="no split 'dev'"):
        split_of_set("mnist", "dev")


def test_kinds_of_depths_and_channels() -> None:
    dark, bright = np.full((4, 4, 1), 900, np.uint16), np.full((4, 4, 1), 60_000, np.uint16)
    assert (stain(dark), stain(bright)) == ("fluorescence", "bright field")
    assert stain(np.dstack([bright, bright, bright // 2])) == "stained"

"""How pictures lie: classes, masks, good and bad, archives, stacks, and what is held out."""

import io
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import noise, png, save, save_stack

from regard.data import archives
from regard.data.errors import DataError
from regard.data.images import ImageDataConfig, has_test, pictures_of
from regard.data.images import members as members_module
from regard.data.images.examples import Example
from regard.data.images.folders import (
    Layout,
    class_folders,
    good_and_bad,
    good_only,
    guess_layout,
    plain,
    split_folders,
    with_masks,
    wrapper,
)
from regard.data.images.held_out import hold_out
from regard.data.images.members import natural, open_members
from regard.data.images.store import UNCOUNTED


def png_bytes(seed: int = 0) -> bytes:
    file = io.BytesIO()
    from PIL import Image

    Image.fromarray(noise(6, 6, seed=seed)).save(file, "PNG")
    return file.getvalue()


def pack(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w:" + path.suffix[1:].replace("tar", "")) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


class TestLayouts:
    def test_classes(self) -> None:
        found = class_folders(["dog/2.png", "cat/10.png", "cat/2.jpg", "cat/sub/1.png", "a.png", "cat/x.txt"])
        assert [(example.name, example.label) for example in found.examples] == [
            ("cat/2.jpg", "cat"),
            ("cat/10.png", "cat"),
            ("cat/sub/1.png", "cat"),
            ("dog/2.png", "dog"),
        ]
        assert found.passed_over == ("a.png", "cat/x.txt")

    @pytest.mark.parametrize(
        ("image", "mask"),
        [
            ("images/{}.png", "masks/{}.png"),
            ("image/{}.png", "label/{}.png"),
            ("images/{}.jpg", "masks/{}_mask.png"),
            ("a/images/{}.png", "a/masks/{}.png"),
            ("images/a/{}.png", "masks/a/{}.tif"),
            ("{}.png", "{}_mask.png"),
            ("{}.png", "{}-mask.png"),
            ("day/{}.png", "day/masks/{}.png"),
            ("{}.png", "labels/{}.png"),
        ],
    )
    def test_masks_by_name(self, image: str, mask: str) -> None:
        numbers = (1, 2, 10)
        names = [part.format(number) for part in (image, mask) for number in numbers]
        found = with_masks([*names, "README.md"])
        assert [(example.name, example.masks) for example in found.examples] == [
            (image.format(number), (mask.format(number),)) for number in numbers
        ]
        assert found.passed_over == ("README.md",)
        assert guess_layout(names) == "masks"

    def test_letters_taken_apart_are_the_same_letters(self) -> None:
        whole, apart = (normalize(form, "세포 1") for form in ("NFC", "NFD"))
        found = with_masks([f"images/{whole}.png", f"masks/{apart}.png"])
        assert [example.masks for example in found.examples] == [(f"masks/{apart}.png",)]
        found = with_masks([f"{apart}.png", f"{whole}_mask.png"])
        assert [example.name for example in found.examples] == [f"{apart}.png"]
        assert [example.label for example in class_folders([f"{apart}/1.png"]).examples] == [whole]
        assert good_and_bad(["good/1.png", f"{apart}/1.png"]).examples[1].label == whole

    def test_masks_as_told(self) -> None:
        names = ["scan/1.png", "truth/1.png", "scan/2.png", "truth/2.png"]
        with pytest.raises(DataError, match="no picture has a mask in a folder `masks`"):
            with_masks(names)
        # Told where the masks are, the folder of the pictures may be called anything that pairs.
        assert with_masks([name.replace("scan/", "") for name in names], "truth").examples[0].masks == (
            "truth/1.png",
        )
        assert with_masks(["1.png", "1.seg.png"], ".seg").examples[0].masks == ("1.seg.png",)
        assert with_masks(["1.png", "truth/1.png"], "./truth").examples[0].masks == ("truth/1.png",)
        with pytest.raises(DataError, match=r"by data\.masks = '_x'"):
            with_masks(["1.png", "1_mask.png"], "_x")

    def test_one_mask_an_instance(self) -> None:
        names = [f"{one}/images/{one}.png" for one in "ab"]
        names += [f"{one}/masks/{number}f.png" for one in "ab" for number in (10, 9, 11)]
        examples = with_masks(names).examples
        assert [example.name for example in examples] == ["a/images/a.png", "b/images/b.png"]
        assert examples[0].masks == ("a/masks/9f.png", "a/masks/10f.png", "a/masks/11f.png")

    def test_one_mask_an_instance_of_a_single_sample(self) -> None:
        found = with_masks(["images/a.png", "masks/1.png", "masks/2.png"])
        assert found.examples == (Example("images/a.png", masks=("masks/1.png", "masks/2.png")),)
        with pytest.raises(DataError, match="no picture has a mask"):
            with_masks(["a.png", "masks/1.png"])

    def test_no_instance_is_left_out_for_one_of_the_name_of_the_picture(self) -> None:
        with pytest.raises(DataError, match=r"a\.png: has a mask of its name, .* for a/masks/b\.png"):
            with_masks(["a/images/a.png", "a/masks/a.png", "a/masks/b.png"])

    def test_missing_and_double_masks_are_named(self) -> None:
        names = [f"images/{number}.png" for number in range(14)]
        with pytest.raises(DataError, match=r"13 of 14 pictures have no mask .*images/1\.png.* and 3 more"):
            with_masks([*names, "masks/0.png"])
        with pytest.raises(
            DataError, match=r"images/0\.png: has more than one mask: masks/0\.png, masks/0\.tif"
        ):
            with_masks(["images/0.png", "images/1.png", "masks/0.png", "masks/0.tif", "masks/1.png"])

    def test_good_and_bad(self) -> None:
        names = ["good/0.png", "cut/0.png", "cut/1.png", "hole/0.png", "x.txt"]
        truth = ["ground_truth/cut/0_mask.png", "ground_truth/cut/1_mask.png", "ground_truth/hole/0.png"]
        found = {example.name: example for example in good_and_bad(names, truth).examples}
        assert found["good/0.png"] == Example("good/0.png", label="good")
        assert found["cut/1.png"] == Example("cut/1.png", label="cut", masks=(truth[1],))
        assert found["hole/0.png"].masks == (truth[2],)
        with pytest.raises(DataError, match="found: good"):
            good_and_bad(["good/0.png"])
        with pytest.raises(DataError, match="found: no folders"):
            good_and_bad(["0.png"])
        assert len(good_only(["0.png", "1.png"]).examples) == 2
        assert len(good_only(["good/0.png", "cut/1.png"]).examples) == 1

    def test_splits_and_wrappers(self) -> None:
        assert split_folders(["train/a/1.png", "test/a/2.png"]) == {"train": "train", "test": "test"}
        # Without one for training: what cannot be a class.
        for beside in ("1.png", "a/1.png", "images/1.png"):
            assert split_folders([beside, "test/a/2.png"]) == {"test": "test"}
        for beside in ("1.png", "images/1.png"):
            assert split_folders([beside, "test/2.png"]) == {"test": "test"}
        assert split_folders(["invalid/1.png", "valid/2.png"]) == {}
        with pytest.raises(DataError, match="val/ and validation/ are both for validation: put"):
            split_folders(["cat/1.png", "val/cat/2.png", "validation/cat/3.png"])
        assert wrapper(["set/train/a/1.png", "set/test/a/1.png"]) == "set/"
        assert wrapper(["train/a/1.png", "train/b/1.png"]) == ""
        assert wrapper(["a/1.png", "b/1.png"]) == ""

    @given(st.lists(st.text("ab0129/._", max_size=8), unique=True))
    def test_any_names_can_be_looked_at(self, names: list[str]) -> None:
        names = [name + ".png" for name in names]
        assert sorted(names, key=natural) == sorted(set(names), key=natural)
        guess_layout(names)
        wrapper(names)
        found = plain(names)
        assert len(found.examples) + len(found.passed_over) == len(names)
        try:
            examples = with_masks(names).examples
        except DataError:
            return
        assert all(example.masks for example in examples)


class TestPlaces:
    @pytest.fixture
    def files(self) -> dict[str, bytes]:
        return {f"{name}/{number}.png": png_bytes(number) for name in ("cat", "dog") for number in range(3)}

    @pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
    def test_archives_are_as_folders(self, tmp_path: Path, files: dict[str, bytes], name: str) -> None:
        pack(tmp_path / name, {f"set-1/{key}": content for key, content in files.items()})
        for key, content in files.items():
            (tmp_path / "folder" / key).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "folder" / key).write_bytes(content)
        read = []
        for place in (tmp_path / name, tmp_path / "folder"):
            pictures = pictures_of(ImageDataConfig(train=place, validation=place), "train", "classes")
            with pictures.opening() as load:
                read.append([(e.name, e.label, load(e).pixels.tobytes()) for e in pictures.examples])
        assert read[0] == read[1]
        assert len(read[0]) == 6

    @pytest.mark.parametrize("kind", ["zip", "tar"])
    def test_names_in_archives_lead_nowhere(self, tmp_path: Path, kind: str) -> None:
        files = {"../../cat/1.png": png_bytes(), "/dog/2.png": png_bytes(), "__MACOSX/dog/._2.png": b"x"}
        place = pack(tmp_path / f"a.{kind}", files)
        with open_members(place) as opened:
            assert opened.names == ("cat/1.png", "dog/2.png")
        assert [path.name for path in tmp_path.iterdir()] == [place.name]

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            info = tarfile.TarInfo("cat/1.png")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)
        with open_members(tmp_path / "a.tar") as opened:
            assert opened.names == ()

    def test_links_to_folders_are_followed_but_not_in_a_circle(self, tmp_path: Path) -> None:
        for label in ("cat", "dog"):
            save(tmp_path / f"elsewhere/{label}/1.png", noise(2, 2))
        place = tmp_path / "set"
        place.mkdir()
        for label in ("cat", "dog"):
            (place / label).symlink_to(tmp_path / "elsewhere" / label)
            (tmp_path / "elsewhere" / label / "round").symlink_to(place)
        with open_members(place) as opened:
            assert opened.names == ("cat/1.png", "dog/1.png")

    @pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz", "a.tar.bz2"])
    def test_damaged_archives(self, tmp_path: Path, files: dict[str, bytes], name: str) -> None:
        place = pack(tmp_path / name, files)
        whole = place.read_bytes()
        for content in (b"", b"nonsense", whole[: len(whole) // 2]):
            place.write_bytes(content)
            with pytest.raises(DataError, match=f"{name}"), open_members(place) as opened:  # noqa: PT012
                if not opened.names:
                    raise DataError(f"{name}: is empty")
                for member in opened.names:
                    opened.open(member)
                raise DataError(f"{name}: an uncompressed tar that ends early")

    @given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), flags=st.booleans())
    def test_any_byte_of_a_zip_may_be_wrong(self, place: float, value: int, flags: bool) -> None:
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w") as archive:
            for name in ("a/1.png", "b/2.png"):
                archive.writestr(name, png(2, 2, data=b"\0" * 6))
        content = bytearray(whole.getvalue())
        at = content.find(b"PK\1\2")
        if flags:  # names in the directory that say they are UTF-8, and are not
            content[at + 9], content[at + 46] = 0x08, 0xFF
        else:
            content[at + int(place * (len(content) - at))] = value
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.zip"
            path.write_bytes(content)
            try:
                with open_members(path) as opened:
                    for name in opened.names:
                        opened.open(name)
            except DataError:
                return
            assert not flags

    def test_bounds(self, tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(members_module, "MOST_SPOOLED", 1000)
        with (
            pytest.raises(DataError, match="more than 1,000 bytes"),
            open_members(pack(tmp_path / "a.tar.gz", files)),
        ):
            pass
        monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
        for name in ("a.zip", "a.tar"):
            with (
                pytest.raises(DataError, match="more than 3 members"),
                open_members(pack(tmp_path / name, files)),
            ):
                pass
        monkeypatch.undo()
        monkeypatch.setattr(archives, "MOST_BYTES", 10)
        for name in ("a.zip", "a.tar"):
            with (
                open_members(tmp_path / name) as opened,
                pytest.raises(DataError, match="at most 10 are taken"),
            ):
                opened.open("cat/1.png")

    def test_no_place(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such folder or file"), open_members(tmp_path / "none"):
            pass
        (tmp_path / "a.txt").write_text("x")
        with (
            pytest.raises(DataError, match="neither a folder nor an archive"),
            open_members(tmp_path / "a.txt"),
        ):
            pass
        (tmp_path / "empty").mkdir()
        with pytest.raises(DataError, match="no pictures for train"):
            pictures_of(ImageDataConfig(train=tmp_path / "empty"), "train", "plain")

    def test_errors_say_where(self, tmp_path: Path) -> None:
        save(tmp_path / "set/1.png", noise(2, 2))
        config = ImageDataConfig(train=tmp_path / "set", test=tmp_path / "set")
        with pytest.raises(DataError, match="set: 1 picture is in no class: make a folder for each"):
            pictures_of(config, "train", "classes")
        with pytest.raises(DataError, match="set: no picture has a mask"):
            pictures_of(config, "train", "masks")
        with pytest.raises(DataError, match="set: a test of good and bad pictures"):
            pictures_of(config, "test", "good")


def test_time_grows_as_names_do() -> None:
    def seconds(count: int) -> float:
        names = [f"{number}{end}.png" for number in range(count) for end in ("", "_mask")]
        began = time.process_time()
        with_masks(names)
        assert guess_layout(names[::2]) == "plain"
        return time.process_time() - began

    few, many = (min(seconds(count) for _ in range(3)) for count in (500, 5000))
    assert many < 100 * few  # ten times the names: with their square it was some hundreds


class TestSplits:
    def test_folders_of_splits(self, tmp_path: Path) -> None:
        for number, name in enumerate(("train/a/1", "train/b/2", "val/a/3", "test/a/4")):
            save(tmp_path / f"{name}.png", noise(4, 4, seed=number))
        config = ImageDataConfig(train=tmp_path)
        found = {s: pictures_of(config, s, "classes").examples for s in ("train", "validation", "test")}
        assert [(e.name, e.label) for e in found["train"]] == [("train/a/1.png", "a"), ("train/b/2.png", "b")]
        assert [(e.name, e.label) for e in found["validation"]] == [("val/a/3.png", "a")]
        assert [(e.name, e.label) for e in found["test"]] == [("test/a/4.png", "a")]

    def test_the_layout_of_mvtec(self, tmp_path: Path) -> None:
        for number in range(10):
            save(tmp_path / f"train/good/{number}.png", noise(4, 4, seed=number))
        save(tmp_path / "test/good/0.png", noise(4, 4, seed=20))
        save(tmp_path / "test/cut/0.png", noise(4, 4, seed=21))
        mask = save(tmp_path / "ground_truth/cut/0_mask.png", np.eye(4, dtype=np.uint8) * 255)
        config = ImageDataConfig(train=tmp_path)
        assert len(pictures_of(config, "train", "good").examples) == 9
        test = pictures_of(config, "test", "good")
        with test.opening() as load:
            loaded = {example.label: load(example) for example in test.examples}
        assert loaded["good"].mask is None
        assert loaded["cut"].mask is not None
        assert np.array_equal(loaded["cut"].mask, np.eye(4))
        assert mask.is_file()

    @pytest.mark.parametrize(
        ("layout", "own", "tests"),
        [
            ("good", ["good/"], ["good/", "cut/"]),
            ("good", [""], ["good/", "cut/"]),
            ("classes", ["a/", "b/"], ["a/", "b/"]),
            ("masks", ["images/"], ["images/"]),
            ("plain", [""], [""]),
        ],
    )
    def test_what_lies_beside_a_test_is_for_training(
        self, tmp_path: Path, layout: Layout, own: list[str], tests: list[str]
    ) -> None:
        learnt, tested = (
            {f"{folder}{number}.png" for folder in folders for number in range(4)}
            for folders in (own, [f"test/{folder}" for folder in tests])
        )
        for seed, name in enumerate([*learnt, *tested]):
            save(tmp_path / name, noise(4, 4, seed=seed))
            if layout == "masks":
                save(tmp_path / name.replace("images", "masks"), np.eye(4, dtype=np.uint8))
        if layout == "good":
            save(tmp_path / "ground_truth/cut/0_mask.png", np.eye(4, dtype=np.uint8))
        config = ImageDataConfig(train=tmp_path)
        assert has_test(config)
        train, held, test = (
            {example.name for example in pictures_of(config, split, layout).examples}
            for split in ("train", "validation", "test")
        )
        assert (train | held, test) == (learnt, tested)

    def test_capitals_make_no_difference(self, tmp_path: Path) -> None:
        for seed, split in enumerate(("Train", "TEST")):
            for kind in ("images", "Masks"):
                for number in range(3):
                    pixels = noise(4, 4, seed=seed) if kind == "images" else np.eye(4, dtype=np.uint8)
                    save(tmp_path / split / kind / f"{number}.png", pixels)
        test = pictures_of(ImageDataConfig(train=tmp_path), "test", "masks").examples
        assert [(one.name, one.masks) for one in test] == [
            (f"TEST/images/{number}.png", (f"TEST/Masks/{number}.png",)) for number in range(3)
        ]
        for name in ("m/Train/Good/1", "m/Test/Good/2", "m/Test/Cut/3", "m/Ground_Truth/Cut/3_mask"):
            save(tmp_path / f"{name}.png", np.eye(4, dtype=np.uint8))
        found = pictures_of(ImageDataConfig(train=tmp_path / "m"), "test", "good").examples
        assert {one.label: one.masks for one in found} == {
            "good": (),
            "Cut": ("Ground_Truth/Cut/3_mask.png",),
        }
        for kind in ("NORMAL", "PNEUMONIA"):
            save(tmp_path / "x/train" / kind / "1.png", noise(4, 4))
            save(tmp_path / "x/train" / kind / "2.png", noise(4, 4, seed=1))
        config = ImageDataConfig(train=tmp_path / "x", hold_out=0.5)
        assert [one.name for one in pictures_of(config, "train", "good").examples] in (
            [["train/NORMAL/1.png"], ["train/NORMAL/2.png"]]
        )

    @pytest.mark.parametrize(
        ("layout", "names"),
        [
            ("masks", ["images/train/1", "images/val/2", "masks/train/1", "masks/val/2"]),
            ("classes", ["cat/train/1", "cat/test/2", "dog/train/3"]),
            ("good", ["a/good/1", "a/Test/2"]),
            ("plain", ["a/b/train/1", "a/b/validation/2"]),
            ("plain", ["train/a/train/1", "train/a/val/2"]),
        ],
    )
    def test_splits_further_down_are_not_trained_on(
        self, tmp_path: Path, layout: Layout, names: list[str]
    ) -> None:
        for name in names:
            save(tmp_path / f"{name}.png", np.eye(4, dtype=np.uint8))
        if layout == "good":
            save(tmp_path / "a/Test/good/3.png", np.eye(4, dtype=np.uint8))
        with pytest.raises(DataError, match="put what is for training into train/"):
            pictures_of(ImageDataConfig(train=tmp_path), "train", layout)

    def test_a_class_may_be_called_as_a_split(self, tmp_path: Path) -> None:
        for number, label in enumerate(("invalid", "valid") * 3):
            save(tmp_path / label / f"{number}.png", noise(4, 4, seed=number))
        config = ImageDataConfig(train=tmp_path)
        assert {e.label for e in pictures_of(config, "train", "classes").examples} == {"invalid", "valid"}
        # Where there are no classes, nobody knows whether it is for training.
        with pytest.raises(DataError, match="valid/ is a folder of pictures beside others"):
            pictures_of(config, "train", "plain")
        save(tmp_path / "set/test/a/1.png", noise(4, 4))
        with pytest.raises(DataError, match="no pictures for train beside test"):
            pictures_of(ImageDataConfig(train=tmp_path / "set"), "train", "classes")

    def test_a_place_for_a_test_alone_has_its_truth(self, tmp_path: Path) -> None:
        for kind in ("good", "cut", "hole"):
            save(tmp_path / f"test/{kind}/0.png", noise(4, 4))
            save(tmp_path / f"ground_truth/{kind}/0_mask.png", np.eye(4, dtype=np.uint8))
        config = ImageDataConfig(train=tmp_path, test=tmp_path)
        found = {e.label: len(e.masks) for e in pictures_of(config, "test", "good").examples}
        assert found == {"good": 0, "cut": 1, "hole": 1}

    def test_stacks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pages = [noise(5, 7, seed=seed) for seed in range(10)]
        masks = [page % 2 for page in pages]
        stack = save_stack(tmp_path / "volume.tif", pages)
        other = save_stack(tmp_path / "truth.tif", masks)
        config = ImageDataConfig(train=stack, masks=str(other), hold_out=0.2)
        train, held = (pictures_of(config, split, "masks") for split in ("train", "validation"))
        # Neighbours are alike, so the last ones are held out.
        assert [example.page for example in held.examples] == [8, 9]
        with train.opening() as load:
            for example in train.examples:
                assert np.array_equal(load(example).pixels[..., 0], pages[example.page or 0])
                assert np.array_equal(load(example).mask, masks[example.page or 0])  # type: ignore[arg-type]
        with pytest.raises(DataError, match=r"volume_mask\.tif"):
            pictures_of(ImageDataConfig(train=stack), "train", "masks")
        # The masks of training said by a path from here, those of validation are found by their name.
        monkeypatch.chdir(tmp_path)
        held_out = save_stack(tmp_path / "held.tif", pages)
        save_stack(tmp_path / "held_mask.tif", masks)
        config = ImageDataConfig(train=stack, masks="./truth.tif", validation=held_out)
        assert pictures_of(config, "train", "masks").examples[0].masks == ("truth.tif",)
        masked = pictures_of(config, "validation", "masks").examples[0].masks
        assert masked == (str(tmp_path / "held_mask.tif"),)
        with pytest.raises(DataError, match="has no classes"):
            pictures_of(ImageDataConfig(train=stack), "train", "classes")
        good = ImageDataConfig(train=stack, test=stack)
        assert {one.label for one in pictures_of(good, "train", "good").examples} == {"good"}
        with pytest.raises(DataError, match="cannot say which of its pages are good"):
            pictures_of(good, "test", "good")
        save_stack(tmp_path / "volume_mask.tif", masks[:4])
        with pytest.raises(DataError, match=r"has 10 pages, and its masks .* 4"):
            pictures_of(ImageDataConfig(train=stack), "train", "masks")

    def test_a_mask_of_another_size(self, tmp_path: Path) -> None:
        for number in range(3):
            save(tmp_path / f"images/{number}.png", noise(4, 6))
            save(tmp_path / f"masks/{number}.png", noise(6, 4))
        pictures = pictures_of(ImageDataConfig(train=tmp_path), "train", "masks")
        with (
            pictures.opening() as load,
            pytest.raises(DataError, match=r"is 4 rows by 6 columns, its mask .* is 6 rows by 4 columns"),
        ):
            load(pictures.examples[0])

    def test_instances_are_numbered(self, tmp_path: Path) -> None:
        blobs = np.zeros((3, 4, 4), np.uint8)
        blobs[0, 0], blobs[1, 1], blobs[2, 2] = 255, 255, 255
        for one in "ab":
            save(tmp_path / f"{one}/images/{one}.png", noise(4, 4))
            for number, blob in enumerate(blobs):
                save(tmp_path / f"{one}/masks/{number}x.png", blob)
        pictures = pictures_of(ImageDataConfig(train=tmp_path), "train", "masks")
        assert pictures.instances
        with pictures.opening() as load:
            mask = load(pictures.examples[0]).mask
        assert mask is not None
        assert mask[:, 0].tolist() == [1, 2, 3, 0]

    def test_pixels_that_do_not_count_are_no_object(self, tmp_path: Path) -> None:
        for number in range(2):
            mask = np.zeros((2, 4), np.uint8)
            mask[0, 2 * number : 2 * number + 2], mask[1] = 255, 128
            save(tmp_path / f"a/masks/{number}.png", mask)
        mask[1] = 255
        save(tmp_path / "a/masks/2.png", mask)
        save(tmp_path / "a/images/a.png", noise(2, 4))
        config = ImageDataConfig(train=tmp_path, validation=tmp_path, ignore=128)
        pictures = pictures_of(config, "train", "masks")
        with pictures.opening() as load:
            found = load(pictures.examples[0]).mask
        assert found is not None
        assert found.tolist() == [[1, 1, 3, 3], [3, 3, 3, 3]]
        (tmp_path / "a/masks/2.png").unlink()
        pictures = pictures_of(config, "train", "masks")
        with pictures.opening() as load:
            found = load(pictures.examples[0]).mask
        assert found is not None
        assert found.tolist() == [[1, 1, 2, 2], [UNCOUNTED] * 4]

    def test_numbers_can_be_objects(self, tmp_path: Path) -> None:
        numbered = np.array([[0, 7, 7], [300, 0, 9], [300, 0, 255]], np.uint16)
        save(tmp_path / "images/1.png", noise(3, 3))
        save(tmp_path / "masks/1.png", numbered)
        config = ImageDataConfig(train=tmp_path, mask_values="objects", ignore=255)
        pictures = pictures_of(config.model_copy(update={"validation": tmp_path}), "train", "masks")
        assert pictures.instances
        with pictures.opening() as load:
            mask = load(pictures.examples[0]).mask
        assert mask is not None
        assert mask.tolist() == [[0, 7, 7], [300, 0, 9], [300, 0, UNCOUNTED]]

    def test_no_object_is_lost_for_its_number(self, tmp_path: Path) -> None:
        save(tmp_path / "images/1.png", noise(2, 2))
        save(tmp_path / "masks/1.png", np.array([[0, 65535], [255, 7]], np.uint16))
        for ignore in (None, 255, 65535):
            config = ImageDataConfig(
                train=tmp_path, validation=tmp_path, mask_values="objects", ignore=ignore
            )
            pictures = pictures_of(config, "train", "masks")
            with pictures.opening() as load:
                if ignore == 65535:
                    assert load(pictures.examples[0]).mask is not None
                    continue
                with pytest.raises(DataError, match="has the number 65535"):
                    load(pictures.examples[0])

    def test_a_stack_of_numbered_objects(self, tmp_path: Path) -> None:
        stack = save_stack(tmp_path / "volume.tif", [noise(4, 4, seed=seed) for seed in range(3)])
        save_stack(tmp_path / "volume_mask.tif", [np.full((4, 4), page * 5, np.uint8) for page in range(3)])
        config = ImageDataConfig(train=stack, validation=stack, mask_values="objects")
        pictures = pictures_of(config, "train", "masks")
        assert pictures.instances
        with pictures.opening() as load:
            assert [int(load(example).mask[0, 0]) for example in pictures.examples] == [0, 5, 10]  # type: ignore[index]

    def test_no_test_and_no_such_split(self, tmp_path: Path) -> None:
        save(tmp_path / "1.png", noise(4, 4))
        config = ImageDataConfig(train=tmp_path)
        with pytest.raises(DataError, match="no pictures are given for a test"):
            pictures_of(config, "test", "plain")
        with pytest.raises(DataError, match="no split 'dev'"):
            pictures_of(config, "dev", "plain")
        with pytest.raises(DataError, match="too few to hold some out"):
            pictures_of(config, "train", "plain")

    def test_what_pictures_are_made_of_is_known(self, tmp_path: Path) -> None:
        for number in range(4):
            save(tmp_path / f"{number}.png", noise(4, 4, seed=number))
        config = ImageDataConfig(train=tmp_path, validation=tmp_path)
        before = pictures_of(config, "train", "plain").made_of
        assert pictures_of(config, "train", "plain").made_of == before
        (tmp_path / "2.png").write_bytes(png(1, 1, data=bytes(2)))
        assert pictures_of(config, "train", "plain").made_of != before


class TestHoldOut:
    @given(
        st.lists(st.integers(1, 30), min_size=1, max_size=5),
        st.floats(0.01, 0.9),
        st.sampled_from(["hash", "last"]),
    )
    def test_every_class_gives_its_share(self, sizes: list[int], share: float, order: str) -> None:
        examples = [
            Example(f"{label}/{number}.png", label=str(label))
            for label, size in enumerate(sizes)
            for number in range(size)
        ]
        if max(sizes) == 1:
            with pytest.raises(DataError):
                hold_out(examples, share, order)  # type: ignore[arg-type]
            return
        train, held = hold_out(examples, share, order)  # type: ignore[arg-type]
        assert sorted([*train, *held], key=str) == sorted(examples, key=str)
        for label, size in enumerate(sizes):
            kept = sum(example.label == str(label) for example in held)
            assert kept == min(size - 1, int(np.ceil(round(share * size, 9))))

    def test_more_pictures_change_little(self) -> None:
        few, more = ([Example(f"{number}.png") for number in range(size)] for size in (100, 110))
        before, after = set(hold_out(few, 0.1, "hash")[1]), set(hold_out(more, 0.1, "hash")[1])
        assert len(before & after) >= 7


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (["a.png"], "plain"),
        (["cat/a.png", "dog/b.png"], "classes"),
        (["good/a.png", "bad/a.png"], "good"),
        (["NORMAL/a.png", "PNEUMONIA/a.png"], "classes"),
        (["a.png", "a_mask.png"], "masks"),
    ],
)
def test_guesses(names: list[str], layout: Layout) -> None:
    assert guess_layout(names) == layout

"""The pictures of a split of a named set."""

import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regard.data.catalogue import named
from regard.data.errors import DataError
from regard.data.fetch import find
from regard.data.images.config import ImageDataConfig
from regard.data.images.examples import Example, Load, Loaded
from regard.data.images.held_out import Order, hold_out, place_of
from regard.data.images.kinds import stain
from regard.data.images.members import Files, open_members
from regard.data.images.reading import Picture
from regard.data.images.splits import Pictures, digest_of_rows, files_digest, loader, pictures_of
from regard.data.images.stacks import Stack

CIFAR_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
# A record: the label, then 32 x 32 values of red, of green and of blue.
_CIFAR_RECORD = 1 + 3 * 32 * 32
# Slices of the stack, in order; neighbours are alike.
_MEMBRANE_TRAIN = 18
# Share of nuclei pictures in the test.
_NUCLEI_TEST = 0.15
# The last digits are written by other people than the first.
_DIGITS_TEST = 360


def split_of_set(name: str, split: str, share: float = 0.1) -> Pictures:
    """Pictures of a split of a named set.

    `mnist`, `cifar10` and `cifar10-jpeg` have a test of their own. Of `isbi2012` the test is slices 18–23, of
    `digits` the last 360. Of `dsb2018` it is 15 % by a hash of the picture's id, the same whether a part of
    the set is here or all of it, with a salt for which every kind of picture (`kinds.stain`) has about its
    share or more. What is held out of the rest for validation is chosen by hash; of `isbi2012` and `digits`
    it is the last.

    Args:
        name: the set.
        split: *train*, *validation* or *test*.
        share: of the rest, how much is for validation.

    Raises:
        DataError: unknown set or split; a set of text; a file that is not here and cannot be downloaded.
    """
    known = named(name)
    if name not in _READERS:
        raise DataError(f"{name}: is a set of text, not of pictures; there are {', '.join(_READERS)}")
    if split not in known.splits:
        raise DataError(f"{name}: has no split {split!r}; it has {', '.join(known.splits)}")
    pictures, order = _READERS[name](split)
    if split != "test":
        train, held = hold_out(pictures.examples, share, order)
        pictures = pictures.only(train if split == "train" else held)
    return replace(pictures, name=name)


def _class_archive(name: str, file: str) -> Callable[[str], tuple[Pictures, Order]]:
    """A set that is an archive of `train/CLASS/…` and `test/CLASS/…`."""

    def read(split: str) -> tuple[Pictures, Order]:
        place = find(named(name), file)
        # Its own test stands for a validation too: nothing is held out here.
        both = pictures_of(
            ImageDataConfig(train=place, validation=place), split if split == "test" else "train", "classes"
        )
        return both, "hash"

    return read


def _cifar(split: str) -> tuple[Pictures, Order]:
    place = find(named("cifar10"), "cifar-10-binary.tar.gz")

    def records() -> dict[str, npt.NDArray[np.uint8]]:
        pattern = r"test_batch\.bin" if split == "test" else r"data_batch_\d\.bin"
        with open_members(place) as members:
            found = {name: members.open(name) for name in members.names if re.search(pattern, name)}
            data = {name: file.read() for name, file in found.items() if not isinstance(file, Path | Stack)}
        if not data or any(not raw or len(raw) % _CIFAR_RECORD for raw in data.values()):
            raise DataError(f"{place}: not the binary edition of CIFAR-10, or cut off")
        return {
            name.rsplit("/", 1)[-1]: np.frombuffer(raw, np.uint8).reshape(-1, _CIFAR_RECORD)
            for name, raw in data.items()
        }

    def picture(record: npt.NDArray[np.uint8]) -> Picture:
        return record[1:].reshape(3, 32, 32).transpose(1, 2, 0)

    examples = [
        Example(name, row, CIFAR_CLASSES[label])
        for name, rows in records().items()
        for row, label in enumerate(rows[:, 0].tolist())
    ]
    return _in_memory("cifar10", place, examples, records, picture), "hash"


def _digits(split: str) -> tuple[Pictures, Order]:
    place = find(named("digits"), "digits.csv.gz")

    def table() -> dict[str, npt.NDArray[np.uint8]]:
        try:
            with gzip.open(place, "rt", encoding="ascii") as file:
                return {"digits": np.loadtxt(file, np.float64, delimiter=",").astype(np.uint8)}
        except (OSError, EOFError, ValueError) as error:
            raise DataError(f"{place}: damaged ({error})") from None

    def picture(row: npt.NDArray[np.uint8]) -> Picture:
        return np.asarray(np.rint(row[:64].reshape(8, 8, 1) * (255 / 16)), np.uint8)

    rows = table()["digits"]
    examples = [Example("digits", row, str(label)) for row, label in enumerate(rows[:, 64].tolist())]
    chosen = examples[-_DIGITS_TEST:] if split == "test" else examples[:-_DIGITS_TEST]
    return _in_memory("digits", place, chosen, table, picture), "last"


def _in_memory(
    name: str,
    place: Path,
    examples: Sequence[Example],
    read: Callable[[], dict[str, npt.NDArray[np.uint8]]],
    picture: Callable[[npt.NDArray[np.uint8]], Picture],
) -> Pictures:
    """Pictures of a file that holds many, read into memory while it is open."""

    @contextmanager
    def opening() -> Iterator[Load]:
        rows = read()
        yield lambda example: Loaded(picture(rows[example.name][example.page or 0]))

    made_of = digest_of_rows(examples, files_digest([place]))
    return Pictures(name, tuple(examples), opening, made_of)


def _membrane(split: str) -> tuple[Pictures, Order]:
    known = named("isbi2012")
    slices = range(_MEMBRANE_TRAIN, 24) if split == "test" else range(_MEMBRANE_TRAIN)
    names = {number: (f"train/image/{number}.png", f"train/label/{number}.png") for number in slices}
    paths = {file: find(known, file) for pair in names.values() for file in pair}
    examples = tuple(Example(image, masks=(label,)) for image, label in names.values())

    @contextmanager
    def opening() -> Iterator[Load]:
        yield loader(Files(Path("isbi2012"), paths), "classes")

    return Pictures(
        "isbi2012", examples, opening, digest_of_rows(examples, files_digest(paths.values()))
    ), "last"


def _nuclei(split: str) -> tuple[Pictures, Order]:
    place = find(named("dsb2018"), "stage1_train.tar.gz")
    whole = pictures_of(ImageDataConfig(train=place, validation=place), "train", "masks")
    chosen = [
        example
        for example in whole.examples
        if (place_of(f"cells {Path(example.name).stem}") >= 1 - _NUCLEI_TEST) == (split == "test")
    ]
    plain = whole.only(chosen)

    @contextmanager
    def opening() -> Iterator[Load]:
        with plain.opening() as load:

            def with_kind(example: Example) -> Loaded:
                loaded = load(example)
                return replace(loaded, kind=stain(loaded.pixels))

            yield with_kind

    return replace(plain, opening=opening), "hash"


_READERS: dict[str, Callable[[str], tuple[Pictures, Order]]] = {
    "mnist": _class_archive("mnist", "mnist_png.tar.gz"),
    "cifar10": _cifar,
    "cifar10-jpeg": _class_archive("cifar10-jpeg", "cifar10_jpg.tar.gz"),
    "isbi2012": _membrane,
    "dsb2018": _nuclei,
    "digits": _digits,
}

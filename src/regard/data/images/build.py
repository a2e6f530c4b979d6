"""Reading pictures into a store: in parallel, in order, all or nothing."""

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from rich.console import Console

from regard.data.bar import Bar
from regard.data.errors import DataError
from regard.data.images.config import ImageDataConfig
from regard.data.images.examples import Example, Loaded
from regard.data.images.folders import GOOD, NAMED, listed
from regard.data.images.members import natural
from regard.data.images.pixels import as_channels, resized, resized_mask
from regard.data.images.reading import Mask, Picture
from regard.data.images.splits import Pictures
from regard.data.images.store import ABOUT, DEPTHS, FORMAT, UNCOUNTED, Meaning, PictureStore
from regard.data.whole_folder import made, whole_folder

# Pictures that are read at a time, and read ahead of what is written: enough to keep cores busy, little
# enough to hold where each is large.
MOST_THREADS = 8
AHEAD = 2
# More values than this are no classes: a mask that was smoothed, or compressed as JPEG.
MOST_CLASSES = 64
# Errors after which no more are looked for.
MOST_ERRORS = 1000

T = TypeVar("T")
R = TypeVar("R")


def build_store(
    pictures: Pictures,
    config: ImageDataConfig,
    folder: Path | str,
    *,
    like: Meaning | None = None,
    console: Console | None = None,
) -> PictureStore:
    """Read pictures, make them one kind of channels (and one size, where asked), and store them with targets.

    The folder appears only when it is whole. One that is there already, made of the same, is opened.

    Args:
        pictures: what is read; see `regard.data.images.pictures_of`.
        config: channels, size and what a mask's values mean.
        folder: where the store goes; its parents are made.
        like: what labels and masks stand for in training, for other splits.
        console: where progress is shown; None shows none.

    Raises:
        DataError: files that cannot be read, up to ten of them by name; classes or mask values that training
            does not have; masks with too many values; something else in the folder; a full disk.
    """
    folder = Path(folder)
    key = _key(pictures, config, like)

    def found() -> PictureStore | None:
        return made(folder, ABOUT, key, PictureStore)

    if (whole := found()) is not None:
        return whole
    classes = _classes(pictures, like)
    with whole_folder(folder, ABOUT, f"the store of {pictures.name}", lambda: found() is not None) as work:
        about = _write(pictures, config, like, classes, work, console)
        (work / ABOUT).write_text(json.dumps(about | {"made_of": key}, indent=1), "utf-8")
    return PictureStore(folder)


def read_all(
    items: Sequence[T], read: Callable[[T], R], where: str, console: Console | None, doing: str
) -> Iterator[tuple[T, R | DataError]]:
    """What reading each item gives, in order, a few threads ahead; an error where one cannot be read."""

    def guarded(item: T) -> R | DataError:
        try:
            return read(item)
        except DataError as error:
            return error

    threads = min(MOST_THREADS, os.cpu_count() or 1)
    with Bar(console, len(items), f"{doing} {where}") as bar, ThreadPoolExecutor(threads, "pictures") as pool:
        waiting: deque[tuple[T, Future[R | DataError]]] = deque()
        done = 0
        try:
            for item in items:
                waiting.append((item, pool.submit(guarded, item)))
                if len(waiting) >= AHEAD * threads:
                    first, future = waiting.popleft()
                    yield first, future.result()
                    bar.at(done := done + 1)
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
                bar.at(done := done + 1)
        finally:
            pool.shutdown(cancel_futures=True)


def shaped(loaded: Loaded, config: ImageDataConfig) -> tuple[Picture, Mask | None]:
    """A picture in the channels and the size that are asked for, and its mask in that size."""
    pixels, mask = as_channels(loaded.pixels, config.channels), loaded.mask
    if config.resize is None:
        return pixels, mask
    return resized(pixels, config.resize), None if mask is None else resized_mask(mask, config.resize)


class _Values:
    """What the numbers in masks are: met one after the other, classes in rising order at the end.

    Args:
        known: those of training, for other splits; None learns them.
        ignore: the number of pixels that do not count.
        name: what errors call the pictures.
        one: there is one class beside the background, 0, whatever its number: training's masks mark objects.
    """

    def __init__(
        self, known: tuple[int, ...] | None, ignore: int | None, name: str, *, one: bool = False
    ) -> None:
        self._known, self._ignore, self._name, self._one = known, ignore, name, one
        self._met: set[int] = {0} if one else set()

    def meet(self, mask: Mask, where: str) -> None:
        """Take the numbers of a mask.

        Raises:
            DataError: numbers that training has not, or more of them than it tells apart; more than classes
                could be.
        """
        found = set(np.flatnonzero(np.bincount(mask.ravel())).tolist()) - {self._ignore}
        if self._known is not None and (odd := found - set(self._known)):
            raise DataError(
                f"{where}: mask values that training has not: {_numbers(odd)}; "
                f"those are {', '.join(map(str, self._known))}"
            )
        if self._one and len(self._met | found) > 2:
            raise DataError(
                f"{where}: with its mask there are the numbers {_numbers(self._met | found)}, and masks of "
                "training mark objects, which are of one class: give one mask an object, or 0 and one number"
            )
        self._met |= found
        if len(self._met) > MOST_CLASSES:
            raise DataError(
                f"{self._name}: masks have more than {MOST_CLASSES} values (one too many: {where}) and so "
                "are no classes: save masks without smoothing, and not as JPEG; if each number is an object, "
                'say so: data.mask_values = "objects"'
            )

    def all(self) -> tuple[int, ...]:
        """The number of each class."""
        if self._known is not None:
            return self._known
        # Pictures without any object have masks of background alone.
        return (0, 1) if self._one and self._met == {0} else tuple(sorted(self._met))

    def code(self, path: Path) -> None:
        """Replace the numbers in a file of masks by those of classes, from 0."""
        if not path.stat().st_size:
            return
        table = np.full(65_536, UNCOUNTED, "<u2")
        table[list(self.all())] = np.arange(len(self.all()))
        masks = np.memmap(path, "<u2", "r+")
        for start in range(0, len(masks), 1 << 24):
            masks[start : start + (1 << 24)] = table[masks[start : start + (1 << 24)]]
        masks.flush()


def _numbers(values: set[int]) -> str:
    return listed([*map(str, sorted(values))])


class _Writer:
    """The files of a store, while they grow."""

    def __init__(self, work: Path, stack: ExitStack) -> None:
        self._pixels: BinaryIO = stack.enter_context((work / "pixels").open("wb"))
        self._masks: BinaryIO = stack.enter_context((work / "masks").open("wb"))
        self._work, self._digest = work, sha256()
        self._shapes: list[tuple[int, int, int, int]] = []
        self._starts: list[int] = []
        self._mask_starts: list[int] = []
        self.bytes = self.mask_pixels = 0

    def add(self, pixels: Picture, mask: Mask | None) -> None:
        depth = DEPTHS.index(pixels.dtype.newbyteorder("<"))
        height, width, channels = pixels.shape
        self._shapes.append((height, width, channels, depth))
        self._starts.append(self.bytes)
        raw = np.ascontiguousarray(pixels, DEPTHS[depth]).tobytes()
        self._pixels.write(raw + bytes(-len(raw) % 4))
        self.bytes += len(raw) + -len(raw) % 4
        self._digest.update(raw)
        self._mask_starts.append(-1 if mask is None else self.mask_pixels)
        if mask is not None:
            raw = np.ascontiguousarray(mask, "<u2").tobytes()
            self._masks.write(raw)
            self._digest.update(raw)
            self.mask_pixels += mask.size

    def finish(self, labels: list[int], *others: Iterable[Any]) -> str:
        """Write the tables, and give the digest of everything."""
        tables = {
            "shapes": np.array(self._shapes, "<u4"),
            "starts": np.array(self._starts, "<u8"),
            "mask_starts": np.array(self._mask_starts, "<i8"),
            "labels": np.array(labels, "<i4"),
        }
        for name, table in tables.items():
            (self._work / name).write_bytes(table.tobytes())
            self._digest.update(table.tobytes())
        self._digest.update(json.dumps([list(other) for other in others]).encode())
        return self._digest.hexdigest()


def _write(
    pictures: Pictures,
    config: ImageDataConfig,
    like: Meaning | None,
    classes: tuple[str, ...],
    work: Path,
    console: Console | None,
) -> dict[str, Any]:
    like = like or Meaning()
    if pictures.instances and len(like.values) > 2:
        raise DataError(
            f"{pictures.name}: masks mark objects, and those of training {len(like.values)} classes: "
            "give one mask a picture, with the numbers of the classes"
        )
    known = like.values or None
    values = None if pictures.instances else _Values(known, config.ignore, pictures.name, one=like.instances)
    errors: list[DataError] = []
    kinds: list[str] = []
    with ExitStack() as stack:
        load = stack.enter_context(pictures.opening())
        writer = _Writer(work, stack)

        def read(example: Example) -> tuple[Picture, Mask | None, str]:
            loaded = load(example)
            return *shaped(loaded, config), loaded.kind

        for example, found in read_all(pictures.examples, read, pictures.name, console, "Reading"):
            try:
                if isinstance(found, DataError):
                    raise found
                pixels, mask, kind = found
                if values is not None and mask is not None:
                    values.meet(mask, example.title)
            except DataError as error:
                errors.append(error)
            if not errors:  # after the first error, the rest is read only for further ones
                writer.add(pixels, mask)
                kinds.append(kind)
            elif len(errors) > MOST_ERRORS:
                break
        refuse(errors)
        numbers = {name: number for number, name in enumerate(classes)}
        labels = [numbers.get(example.label, -1) for example in pictures.examples]
        meant = values.all() if values is not None else ()
        digest = writer.finish(labels, classes, meant)
    if values is not None:
        values.code(work / "masks")
    return {
        "format": FORMAT,
        "digest": digest,
        "names": [example.title for example in pictures.examples],
        "classes": classes,
        "values": meant,
        "instances": pictures.instances,
        "kinds": kinds,
        "bytes": writer.bytes,
        "mask_pixels": writer.mask_pixels,
    }


def refuse(errors: Sequence[DataError]) -> None:
    """Tell the first ten of what went wrong.

    Raises:
        DataError: there is something.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        count = f"{len(errors):,}" if len(errors) <= MOST_ERRORS else f"more than {MOST_ERRORS:,}"
        more = ["…"] if len(errors) > NAMED else []
        raise DataError("\n".join([f"{count} pictures cannot be used:", *map(str, errors[:NAMED]), *more]))


def _classes(pictures: Pictures, like: Meaning | None) -> tuple[str, ...]:
    labels = {example.label for example in pictures.examples} - {""}
    # What is good comes first, whatever the defects are called: a label of 0 is good.
    found = tuple(sorted(labels, key=lambda label: (label != GOOD[0], natural(label))))
    if like is None or not like.classes:
        return found
    if like.classes == (GOOD[0],):
        return (*like.classes, *(label for label in found if label not in like.classes))
    if unknown := labels - set(like.classes):
        raise DataError(
            f"{pictures.name}: has classes that training has not: {', '.join(sorted(unknown, key=natural))}"
        )
    return like.classes


def _key(pictures: Pictures, config: ImageDataConfig, like: Meaning | None) -> str:
    shaping = (config.channels, config.size, config.ignore, like, FORMAT)
    return sha256(json.dumps([pictures.made_of, pictures.instances, shaping]).encode()).hexdigest()

"""From what a recipe says about pictures to the rows of a split."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np

from regard.counted import counted
from regard.data.errors import DataError
from regard.data.images.config import ImageDataConfig
from regard.data.images.examples import Example, Load, Loaded, Opening
from regard.data.images.folders import (
    GOOD,
    MASK_ENDINGS,
    SPLITS,
    Found,
    Layout,
    class_folders,
    good_and_bad,
    good_only,
    is_ending,
    listed,
    names_below,
    plain,
    split_folders,
    with_masks,
    wrapper,
)
from regard.data.images.held_out import Order, hold_out
from regard.data.images.members import Below, Files, Members, is_archive, open_members
from regard.data.images.reading import STACKS, Mask, count_pages, is_picture, read_indices, read_picture
from regard.data.images.stacks import Stack
from regard.data.images.store import UNCOUNTED

GIVEN = ("train", "validation", "test")
# Masks of a test's defects, beside its folder (the layout of MVTec AD).
_TRUTH = "ground_truth/"

# What the masks of a picture mark: classes by their numbers, objects by their numbers, or one object a file.
Marking = Literal["classes", "objects", "files"]


@dataclass(frozen=True)
class Pictures:
    """The pictures of a split, not read yet.

    Attributes:
        name: what errors and progress call them.
        examples: the rows.
        opening: opens what they are read from; the block's function reads one, in any thread.
        made_of: what tells them from others: names, sizes and times of files. Equal texts are equal rows.
        instances: masks number instances from 1; else their values are classes.
        passed_over: files of the place that are no part of it.
    """

    name: str
    examples: tuple[Example, ...]
    opening: Opening
    made_of: str
    instances: bool = False
    passed_over: tuple[str, ...] = ()

    def only(self, examples: Sequence[Example]) -> "Pictures":
        """Some of them."""
        rows = json.dumps([example.title for example in examples])
        return replace(self, examples=tuple(examples), made_of=_digest(self.made_of, rows))


def pictures_of(config: ImageDataConfig, split: str, layout: Layout) -> Pictures:
    """Pictures of a split (*train*, *validation*, *test*), in the order of their names.

    Args:
        config: where they come from.
        split: which.
        layout: what the task needs: *classes*, *masks*, *good* (and bad ones for a test), or *plain*.

    Raises:
        DataError: no such split or place; no pictures; what the layout needs is missing, by name.
    """
    if layout == "good" and config.good is not None:
        return _one_against_others(pictures_of(config, split, "classes"), config.good, split)
    if split not in GIVEN:
        raise DataError(f"data: pictures have no split {split!r}; there are {', '.join(GIVEN)}")
    if config.name is not None:
        from regard.data.images.named_sets import split_of_set

        pictures = split_of_set(config.name, split, config.hold_out)
        first = pictures.examples[0]
        if (layout == "classes" and not first.label) or (layout == "masks" and not first.masks):
            raise DataError(f"data.name = {config.name!r}: this set has no {layout}")
        return pictures
    own = {"validation": config.validation, "test": config.test}.get(split)
    if own is not None:
        with open_members(own) as opened:
            return _read(config, opened, _inside(opened).get(split, ""), split, layout)
    assert config.train is not None  # the config holds either a name or train
    with open_members(config.train) as opened:
        inside = _inside(opened)
        if split != "train" and split in inside:
            return _read(config, opened, inside[split], split, layout)
        if split == "test":
            raise DataError("data.test: no pictures are given for a test")
        whole = _read(config, opened, inside.get("train", ""), "train", layout)
    if config.validation is not None or "validation" in inside:
        return whole
    order: Order = config.hold_out_order or ("last" if _is_stack(config.train) else "hash")
    train, held = hold_out(whole.examples, config.hold_out, order)
    return whole.only(train if split == "train" else held)


def _one_against_others(pictures: Pictures, good: str, split: str) -> Pictures:
    """Of pictures in classes, those of one are good; of the others only a test has any."""
    classes = sorted({example.label for example in pictures.examples})
    if good not in classes:
        raise DataError(f"data.good = {good!r}: {pictures.name} has no such class; it has {listed(classes)}")
    chosen = [
        replace(example, label=GOOD[0] if example.label == good else example.label)
        for example in pictures.examples
        if example.label == good or split == "test"
    ]
    return replace(pictures.only(chosen), made_of=_digest(pictures.made_of, good, split))


def has_test(config: ImageDataConfig) -> bool:
    """Whether there are pictures for a test.

    Raises:
        DataError: data.train cannot be read.
    """
    if config.name is not None or config.test is not None:
        return True
    assert config.train is not None
    with open_members(config.train) as opened:
        return "test" in _inside(opened)


def _inside(opened: Members) -> dict[str, str]:
    """Folders of splits inside a place, each with its `/`."""
    return {split: f"{folder}/" for split, folder in split_folders(_unwrapped(opened).names).items()}


def _read(config: ImageDataConfig, opened: Members, folder: str, split: str, layout: Layout) -> Pictures:
    place = opened.place
    if _is_stack(place):
        return _stack(config, place, split, layout)
    members = _unwrapped(opened)
    name = f"{place}/{folder.rstrip('/')}" if folder else str(place)
    try:
        found = _rows(config, members, folder, split, layout)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    if not found.examples:
        loose = sum(map(is_picture, found.passed_over))
        if loose:  # of classes, which alone pass over pictures where there is nothing else
            pictures = counted(loose, "picture is", "pictures are")
            raise DataError(f"{name}: {pictures} in no class: make a folder for each class")
        others = [] if folder else sorted(split_folders(members.names).values())
        if others:
            raise DataError(f"{name}: no pictures for {split} beside {' and '.join(others)}")
        files = counted(len(found.passed_over), "file of another kind", "files of other kinds")
        raise DataError(f"{name}: no pictures for {split} ({files})")
    # Of a defect, too, the mask says only where it is, not what.
    apart = layout == "good" or any(len(example.masks) > 1 for example in found.examples)
    marking: Marking = "files" if apart else config.mask_values

    @contextmanager
    def opening() -> Iterator[Load]:
        with open_members(place) as opened:
            yield loader(_unwrapped(opened), marking, config.ignore)

    made_of, instances = _made_of(members, found), marking != "classes"
    return Pictures(name, found.examples, opening, made_of, instances, found.passed_over)


def _rows(config: ImageDataConfig, members: Members, folder: str, split: str, layout: Layout) -> Found:
    names = names_below(members.names, folder)
    match layout:
        case "classes":
            found = class_folders(names)
        case "masks":
            found = with_masks(names, config.masks)
        case "good" if split == "test":
            found = good_and_bad(names, [name for name in members.names if _is_truth(name)])
        case "good":
            found = good_only([name for name in names if not _is_truth(name)])
        case "plain":
            found = plain(names)
    if split == "train":
        # A class may have any name; what is below it, like what no class has, may be kept from training.
        _check_apart(found, below=1 if layout == "classes" else 0)
    inside = set(names)

    def whole(name: str) -> str:
        return folder + name if name in inside else name

    examples = tuple(
        replace(example, name=whole(example.name), masks=tuple(map(whole, example.masks)))
        for example in found.examples
    )
    return Found(examples, tuple(map(whole, found.passed_over)))


def _is_truth(name: str) -> bool:
    return name.casefold().startswith(_TRUTH)


def _check_apart(found: Found, below: int) -> None:
    """Beside others, a folder that is called as a split may be kept from training or not: nobody can tell."""
    words = {word for words in SPLITS.values() for word in words}
    beside: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for example in found.examples:
        path = tuple(example.name.split("/"))
        for depth in range(below, len(path)):
            beside[path[:depth]].add(path[depth])
    for above, names in beside.items():
        doubtful = sorted(name for name in names if name.casefold() in words)
        if doubtful and len(names) > 1:
            raise DataError(
                f"{'/'.join((*above, doubtful[0]))}/ is a folder of pictures beside others, and might be "
                "kept from training or not: put what is for training into train/"
            )


def _stack(config: ImageDataConfig, place: Path, split: str, layout: Layout) -> Pictures:
    if layout == "classes":
        raise DataError(f"{place}: a stack has no classes; give a folder with a folder for each class")
    pages = count_pages(place)
    paths = {place.name: place}
    masks: tuple[str, ...] = ()
    if layout == "masks":
        mask = _stack_of_masks(place, config.masks, split)
        if (labelled := count_pages(mask)) != pages:
            raise DataError(f"{place}: has {counted(pages, 'page')}, and its masks {mask} {labelled}")
        paths[str(mask)], masks = mask, (str(mask),)
    if layout == "good" and split == "test":
        raise DataError(
            f"{place}: a stack cannot say which of its pages are good; give a folder with a folder `good`, "
            "and one for each kind of defect"
        )
    label = GOOD[0] if layout == "good" else ""
    examples = tuple(Example(place.name, page, label, masks) for page in range(pages))
    files = Files(place, paths)

    @contextmanager
    def opening() -> Iterator[Load]:
        with ExitStack() as block:
            stacks = {name: block.enter_context(closing(Stack(path))) for name, path in paths.items()}
            yield loader(Files(place, stacks), config.mask_values, config.ignore)

    made_of, instances = _made_of(files, Found(examples, ())), config.mask_values == "objects"
    return Pictures(str(place), examples, opening, made_of, instances)


def _stack_of_masks(place: Path, masks: str | None, split: str) -> Path:
    if masks is not None and masks.lower().endswith(STACKS) and split == "train":
        return Path(masks)
    endings = (masks,) if masks is not None and is_ending(masks) else MASK_ENDINGS
    candidates = [place.with_name(f"{place.stem}{ending}{place.suffix}") for ending in endings]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise DataError(
        f"{place}: its masks are not beside it as {', '.join(path.name for path in candidates)}; "
        "say with data.masks which stack they are"
    )


def loader(members: Members, marking: Marking, ignore: int | None = None) -> Load:
    """How an example of these files is read.

    Args:
        members: where the files are.
        marking: what masks mark.
        ignore: value of mask pixels that do not count; where masks mark objects.

    The function raises a DataError for files that cannot be read, and for a mask of another size.
    """

    def load(example: Example) -> Loaded:
        where = members.where(example.name)
        pixels = read_picture(members.open(example.name), where, example.page)
        if not example.masks:
            return Loaded(pixels)
        mask = np.zeros(pixels.shape[:2], np.uint16)
        for number, name in enumerate(example.masks, 1):
            read = read_indices(members.open(name), members.where(name), example.page)
            if read.shape != mask.shape:
                raise DataError(f"{where}: is {_size(mask)}, its mask {members.where(name)} is {_size(read)}")
            if marking != "files":
                mask = read
                continue
            # What does not count in one file may be the object of another.
            unsure = read == ignore
            mask = np.where((read > 0) & ~unsure, np.uint16(number), mask)
            mask = np.where(unsure & (mask == 0), np.uint16(UNCOUNTED), mask)
        if marking == "objects":
            if ignore != UNCOUNTED and (mask == UNCOUNTED).any():
                raise DataError(
                    f"{where}: an object of its mask has the number {UNCOUNTED}, which is kept for pixels "
                    f"that do not count: give it another, or say data.ignore = {UNCOUNTED}"
                )
            if ignore is not None:
                mask[mask == ignore] = UNCOUNTED
        return Loaded(pixels, mask)

    return load


def _size(mask: Mask) -> str:
    return f"{mask.shape[0]} rows by {mask.shape[1]} columns"


def _unwrapped(members: Members) -> Members:
    folder = wrapper(members.names)
    return Below(members, folder) if folder else members


def _is_stack(place: Path) -> bool:
    return place.name.lower().endswith(STACKS) and place.is_file()


def _made_of(members: Members, found: Found) -> str:
    """What tells rows from others: their names, and sizes and times of the files that they lie in."""
    if is_archive(members.place) and members.place.is_file():
        paths = {members.place}
    else:
        names = {name for example in found.examples for name in (example.name, *example.masks)}
        paths = {path for path in map(members.open, names) if isinstance(path, Path)}
    return digest_of_rows(found.examples, files_digest(paths))


def digest_of_rows(examples: Sequence[Example], *others: str) -> str:
    """A hash of what rows are called and have, and of what else makes them."""
    rows = [(example.title, example.label, example.masks) for example in examples]
    return _digest(json.dumps(rows), *others)


def files_digest(paths: Iterable[Path]) -> str:
    """A hash of files' paths, sizes and times: quick, where their content would take long."""
    return _digest(json.dumps(sorted((str(path), *_size_and_time(path)) for path in paths)))


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:  # such as a link that leads nowhere: reading it tells, beside all others that are bad
        return -1, -1
    return stat.st_size, stat.st_mtime_ns


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

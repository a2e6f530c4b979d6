"""Looking at pictures before training: what is wrong, what is odd, and what training will do with it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console

from regard.counted import counted
from regard.data.errors import DataError
from regard.data.images.build import MOST_CLASSES, read_all
from regard.data.images.config import ImageDataConfig
from regard.data.images.examples import Example
from regard.data.images.folders import GOOD, Layout, guess_layout, names_below, split_folders, wrapper
from regard.data.images.members import open_members
from regard.data.images.pixels import greatest
from regard.data.images.splits import Pictures, has_test, pictures_of
from regard.data.images.store import UNCOUNTED

Severity = Literal["error", "warning", "note"]
# Beyond this, the rarest class is easily never predicted.
UNBALANCED = 10
_CHANNELS = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGB with alpha"}


@dataclass(frozen=True)
class Finding:
    """One thing about the data.

    Attributes:
        severity: *error* ends training before it starts; *warning* may spoil it; *note* is for information.
        what: what it is, and what training does with it.
        files: where, every one of them.
    """

    severity: Severity
    what: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        pictures: how many there are in each split.
        findings: errors first, then warnings, then notes.
    """

    pictures: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether these pictures can be learnt from."""
        return all(finding.severity != "error" for finding in self.findings)


@dataclass(frozen=True)
class Facts:
    """What is known of a picture once it was read.

    Attributes:
        split, title, label: which it is.
        shape: height, width, channels.
        depth: type of its values.
        low, high: least and greatest of them.
        digest: of all pixels.
        mask: how many pixels have each value; None without a mask.
    """

    split: str
    title: str
    label: str
    shape: tuple[int, int, int]
    depth: str
    low: float
    high: float
    digest: bytes
    mask: Mapping[int, int] | None

    @property
    def name(self) -> str:
        """Split and title."""
        return f"{self.split}: {self.title}"


def layout_of(place: Path) -> Layout:
    """What the pictures of a folder, an archive or a stack are for, by their names.

    Raises:
        DataError: it cannot be read.
    """
    with open_members(place) as members:
        top = wrapper(members.names)
        names = [name.removeprefix(top) for name in members.names if name.startswith(top)]
    train = split_folders(names).get("train")
    return guess_layout(names_below(names, f"{train}/" if train else ""))


def check_data(
    config: ImageDataConfig,
    layout: Layout,
    window: tuple[int, int] | None = None,
    console: Console | None = None,
) -> Report:
    """Read every picture that a recipe names, and report; nothing is written.

    Args:
        config: where the pictures come from.
        layout: what the task needs of them.
        window: rows and columns that training sees at a time, or a patch; None takes the config's.
        console: where progress is shown; None shows none.

    Raises:
        DataError: `config` names a place that is not there at all.
    """
    splits: dict[str, Pictures] = {}
    broken: list[Finding] = []
    for split in ("train", "validation", *(["test"] if has_test(config) else [])):
        try:
            splits[split] = pictures_of(config, split, layout)
        except DataError as error:
            finding = Finding("error", str(error))
            broken += [finding] if finding not in broken else []
    return check_pictures(splits, config, layout, window or config.window, console, broken)


def check_pictures(
    splits: Mapping[str, Pictures],
    config: ImageDataConfig,
    layout: Layout,
    window: tuple[int, int] | None = None,
    console: Console | None = None,
    known: Sequence[Finding] = (),
) -> Report:
    """As `check_data`, of splits that are at hand; `known` was found before."""
    facts: list[Facts] = []
    errors: list[str] = []
    for split, pictures in splits.items():
        for found in _read(split, pictures, console):
            if isinstance(found, DataError):
                errors.append(str(found))
            else:
                facts.append(found)
    findings = list(known)
    if errors:
        what = counted(len(errors), "picture or mask", "pictures or masks")
        what = f"{what} cannot be used: training will not start"
        findings.append(Finding("error", what, tuple(errors)))
    marked = {split for split, pictures in splits.items() if pictures.instances}
    findings += [
        *_labels(facts, layout),
        *_masks(facts, config.ignore, marked),
        *_sizes(facts, config, window, layout),
        *_channels(facts, config),
        *_values(facts),
        *_duplicates(facts),
        *_passed_over(splits),
    ]
    order = ("error", "warning", "note")
    findings.sort(key=lambda finding: order.index(finding.severity))
    return Report({split: len(pictures.examples) for split, pictures in splits.items()}, tuple(findings))


def _read(split: str, pictures: Pictures, console: Console | None) -> Iterator[Facts | DataError]:
    with pictures.opening() as load:

        def look(example: Example) -> Facts:
            loaded = load(example)
            pixels, mask = loaded.pixels, None
            if loaded.mask is not None:
                counts = np.bincount(loaded.mask.ravel())
                mask = {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
            digest = blake2b(repr((pixels.shape, pixels.dtype.name)).encode(), digest_size=16)
            digest.update(np.ascontiguousarray(pixels).data)
            height, width, channels = pixels.shape
            return Facts(
                split,
                example.title,
                example.label,
                (height, width, channels),
                pixels.dtype.name,
                float(pixels.min()),
                float(pixels.max()),
                digest.digest(),
                mask,
            )

        for _, found in read_all(pictures.examples, look, pictures.name, console, "Checking"):
            yield found


def _labels(facts: Sequence[Facts], layout: Layout) -> Iterator[Finding]:
    if layout != "classes" or not facts:
        return
    counts = Counter(fact.label for fact in facts if fact.split == "train")
    shown = ", ".join(f"{label} {count:,}" for label, count in counts.most_common(20))
    if len(counts) < 2:
        yield Finding(
            "error", f"a single class ({shown}): there is nothing to tell apart, training will not start"
        )
        return
    yield Finding("note", f"{len(counts)} classes: {shown}{' …' if len(counts) > 20 else ''}")
    (most, many), (least, few) = counts.most_common()[0], counts.most_common()[-1]
    if many > UNBALANCED * few:
        what = (
            f"{most} has {many / few:.0f} times as many pictures as {least}: training does not balance them"
        )
        yield Finding("warning", what)
    for split in sorted({fact.split for fact in facts} - {"train"}):
        here = {fact.label for fact in facts if fact.split == split}
        if missing := sorted(set(counts) - here):
            yield Finding(
                "warning", f"{split} has no picture of {', '.join(missing)}: its figures say nothing of them"
            )
        if odd := sorted(here - set(counts)):
            yield Finding(
                "error", f"{split} has classes that training has not: {', '.join(odd)}; it will end there"
            )


def _masks(facts: Sequence[Facts], ignore: int | None, marked: Collection[str]) -> Iterator[Finding]:
    masked = [(fact, fact.mask) for fact in facts if fact.mask is not None]
    without = [fact.name for fact in facts if fact.mask is None and fact.label not in ("", *GOOD)]
    if masked and without:
        what = counted(len(without), "picture of a defect has", "pictures of defects have")
        what = f"{what} no mask: left out of figures of pixels"
        yield Finding("warning", what, tuple(without))
    objects = [(fact, mask) for fact, mask in masked if fact.split in marked]
    classes = [(fact, mask) for fact, mask in masked if fact.split not in marked]
    if objects:
        shares = [1 - mask.get(0, 0) / sum(mask.values()) for _, mask in objects]
        numbers = [len(set(mask) - {0, UNCOUNTED}) for _, mask in objects]
        yield Finding(
            "note",
            f"masks mark instances: {min(numbers)} to {max(numbers)} in a picture, {np.mean(numbers):.1f} on "
            f"average; {np.mean(shares):.1%} of pixels are marked ({min(shares):.1%} to {max(shares):.1%})",
        )
    if classes:
        yield from _class_masks(classes, ignore, other=bool(objects))
    empty = [
        fact.name
        for fact, mask in masked
        if len(set(mask) - {UNCOUNTED if fact.split in marked else ignore}) < 2
    ]
    if empty:
        what = f"{counted(len(empty), 'mask has', 'masks have')} one value in all pixels: that is learnt too"
        yield Finding("warning", what, tuple(empty))


def _class_masks(
    masked: Sequence[tuple[Facts, Mapping[int, int]]], ignore: int | None, other: bool
) -> Iterator[Finding]:
    """Of masks whose values are classes; `other`: those of other splits mark instances."""
    totals: Counter[int] = Counter()
    for _, mask in masked:
        totals.update({value: count for value, count in mask.items() if value != ignore})
    pixels = max(1, totals.total())
    if len(totals) > MOST_CLASSES:
        yield Finding(
            "error",
            f"masks have {len(totals)} values and so are no classes (smoothed? saved as JPEG? or objects "
            'by number: data.mask_values = "objects"): training will not start',
            tuple(fact.name for fact, mask in masked if len(mask) > 2),
        )
        return
    shown = ", ".join(f"{value} ({totals[value] / pixels:.1%} of pixels)" for value in sorted(totals))
    if other:
        splits = " and ".join(sorted({fact.split for fact, _ in masked}))
        if len({0, *totals}) > 2:
            what = f"masks of {splits} have the values {shown}, and those of other splits mark instances"
            yield Finding("error", f"{what}, which are of one class: training will not start")
        else:
            what = f"masks of {splits} do not tell instances apart, those of other splits do: there"
            yield Finding("warning", f"{what}, objects are not counted")
        return
    yield Finding("note", f"mask values: {shown}; they become the classes 0 to {len(totals) - 1}")
    if len(totals) < 2:
        yield Finding(
            "error", f"all masks have the one value {min(totals, default=ignore)}: nothing can be learnt"
        )
    trained = {value for fact, mask in masked if fact.split == "train" for value in mask} - {ignore}
    odd = [fact.name for fact, mask in masked if fact.split != "train" and set(mask) - {ignore} - trained]
    if odd and trained:
        yield Finding("error", "masks with values that training's have not: it will end there", tuple(odd))


def _sizes(
    facts: Sequence[Facts], config: ImageDataConfig, window: tuple[int, int] | None, layout: Layout
) -> Iterator[Finding]:
    sizes = Counter(fact.shape[:2] for fact in facts)
    if not sizes:
        return
    shown = ", ".join(f"{rows}x{columns} ({count:,})" for (rows, columns), count in sizes.most_common(5))
    more = f" and {len(sizes) - 5} more" if len(sizes) > 5 else ""
    if config.resize is not None:
        yield Finding(
            "note", f"sizes (rows x columns): {shown}{more}; all are resized to {_times(config.resize)}"
        )
        return
    yield Finding("note", f"sizes (rows x columns): {shown}{more}")
    # Batches are of training's alone.
    trained = {fact.shape[:2] for fact in facts if fact.split == "train"}
    if len(trained) > 1 and window is None:
        crop = "" if layout == "classes" else " or data.crop"
        what = f"pictures of training have several sizes: give data.size (all are resized){crop}"
        yield Finding("error", what)
    if window is not None:
        small = [fact.name for fact in facts if fact.shape[0] < window[0] or fact.shape[1] < window[1]]
        if small:
            what = f"{_pictures(small)} smaller than {_times(window)}: mirror images fill the rest"
            yield Finding("warning", what, tuple(small))


def _channels(facts: Sequence[Facts], config: ImageDataConfig) -> Iterator[Finding]:
    counts = Counter(fact.shape[2] for fact in facts)
    if counts:
        shown = ", ".join(f"{_CHANNELS[channels]} ({count:,})" for channels, count in counts.most_common())
        alpha = "; what is transparent is laid on white" if counts[2] or counts[4] else ""
        yield Finding("note", f"channels: {shown}; all become {config.channels}{alpha}")


def _values(facts: Sequence[Facts]) -> Iterator[Finding]:
    depths: dict[str, list[Facts]] = defaultdict(list)
    for fact in facts:
        depths[fact.depth].append(fact)
    for depth, group in depths.items():
        low, high = min(fact.low for fact in group), max(fact.high for fact in group)
        yield Finding("note", f"{depth}: values from {low:g} to {high:g}; {greatest(depth):g} becomes 1")
        if depth == "uint16" and 0 < high < greatest(depth) / 8:
            what = f"16-bit pictures use no value above {high:g}: to a network all of them are nearly black"
            yield Finding("warning", f"{what}. Rescale them to the whole range")
    if len(depths) > 1:
        shown = ", ".join(f"{depth} ({len(group):,})" for depth, group in depths.items())
        rare = min(depths.values(), key=len)
        yield Finding("warning", f"several depths: {shown}; each by its own becomes 0 … 1", _names(rare))
    if flat := [fact for fact in facts if fact.low == fact.high]:
        what = f"{counted(len(flat), 'picture has', 'pictures have')} one value in all pixels"
        yield Finding("warning", what, _names(flat))


def _duplicates(facts: Sequence[Facts]) -> Iterator[Finding]:
    alike: dict[bytes, list[Facts]] = defaultdict(list)
    for fact in facts:
        if fact.low < fact.high:
            alike[fact.digest].append(fact)
    groups = [group for group in alike.values() if len(group) > 1]
    between = [group for group in groups if len({fact.split for fact in group}) > 1]
    within = [group for group in groups if len({fact.split for fact in group}) < len(group)]
    torn = [group for group in groups if len({fact.label for fact in group}) > 1]
    if between:
        what = f"{_pictures(between)} in more than one split: figures will look better than they are"
        yield Finding("warning", what, _grouped(between))
    if torn:
        yield Finding("warning", f"{_pictures(torn)} in more than one class", _grouped(torn))
    if within:
        what = f"{_pictures(within)} there more than once: training sees each as often"
        yield Finding("warning", what, _grouped(within))


def _passed_over(splits: Mapping[str, Pictures]) -> Iterator[Finding]:
    files = sorted({name for pictures in splits.values() for name in pictures.passed_over})
    if files:
        what = f"{counted(len(files), 'file is', 'files are')} no part of this and passed over"
        yield Finding("note", what, tuple(files))


def _pictures(found: Sequence[object]) -> str:
    return counted(len(found), "picture is", "pictures are")


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _names(facts: Iterable[Facts]) -> tuple[str, ...]:
    return tuple(fact.name for fact in facts)


def _grouped(groups: Iterable[Sequence[Facts]]) -> tuple[str, ...]:
    return tuple(" = ".join(fact.name for fact in group) for group in groups)

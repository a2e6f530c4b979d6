"""How pictures, classes and masks lie in folders: from the names of files to rows of a set."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

from regard.data.errors import DataError
from regard.data.images.examples import Example
from regard.data.images.members import natural
from regard.data.images.reading import is_picture

Layout = Literal["classes", "masks", "good", "plain"]

SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}
IMAGE_FOLDERS = ("images", "image", "imgs", "img")
MASK_FOLDERS = ("masks", "mask", "labels", "label", "ground_truth", "annotations")
MASK_ENDINGS = ("_mask", "-mask", ".mask", "_label", "_labels", "_seg", "_gt")
GOOD = ("good", "normal", "ok")  # these, as all names of folders here, in capitals or not
# How many files an error names.
NAMED = 10


@dataclass(frozen=True)
class Found:
    """What there is.

    Attributes:
        examples: rows of the set, in natural order of their names.
        passed_over: files that are no part of it.
    """

    examples: tuple[Example, ...]
    passed_over: tuple[str, ...]


def class_folders(names: Iterable[str]) -> Found:
    """A folder for each class: the first folder of a picture's path is its label.

    Example:
        >>> [example.label for example in class_folders(["cat/1.png", "dog/2.png", "README.md"]).examples]
        ['cat', 'dog']
    """
    return _found(names, lambda name: Example(name, label=_label(name)) if "/" in name else None)


def plain(names: Iterable[str]) -> Found:
    """Pictures and nothing else, in any folders."""
    return _found(names, Example)


def good_only(names: Iterable[str]) -> Found:
    """Pictures of what is as it should be: those in folders called `good`, or all where there is none.

    Example:
        >>> [example.name for example in good_only(["good/1.png", "cracked/1.png"]).examples]
        ['good/1.png']
    """
    names = list(names)
    some = any(_is_good(name) for name in names)
    return _found(names, lambda name: None if some and not _is_good(name) else Example(name, label=GOOD[0]))


def good_and_bad(names: Iterable[str], masks: Iterable[str] = ()) -> Found:
    """Pictures for a test: a folder `good` and one for each kind of defect (the layout of MVTec AD).

    Args:
        names: of the test's files.
        masks: names of masks that lie elsewhere, such as `ground_truth/cracked/000_mask.png`.

    Raises:
        DataError: none is good, or none is bad.

    Example:
        >>> found = good_and_bad(["good/0.png", "cut/0.png"], ["ground_truth/cut/0_mask.png"])
        >>> [(example.label, example.masks) for example in found.examples]
        [('cut', ('ground_truth/cut/0_mask.png',)), ('good', ())]
    """
    names = [name for name in names if is_picture(name)]
    elsewhere = [*masks, *(name for name in names if _in_folder(name, MASK_FOLDERS))]
    found = {_key(name, MASK_FOLDERS, MASK_ENDINGS): name for name in elsewhere}
    examples = []
    for name in names:
        if "/" in name and not _in_folder(name, MASK_FOLDERS):
            good, mask = _is_good(name), found.get(_key(name, (), ()))
            label = GOOD[0] if good else _label(name)
            examples.append(Example(name, label=label, masks=(mask,) if mask and not good else ()))
    labels = {example.label for example in examples}
    if GOOD[0] not in labels or len(labels) < 2:
        raise DataError(
            "a test of good and bad pictures has a folder `good` and one or more of bad ones; "
            f"found: {', '.join(sorted(labels)) or 'no folders of pictures'}"
        )
    used = {name for example in examples for name in (example.name, *example.masks)}
    return Found(_ordered(examples), tuple(name for name in names if name not in used))


def with_masks(names: Iterable[str], masks: str | None = None) -> Found:
    """Pictures and their masks, paired by name.

    A mask lies in a folder beside that of the pictures (`images/7.png` and `masks/7.png`, or `7_mask.png`
    there), or beside its picture under a longer name (`7.png`, `7_mask.png`). Where a folder holds a single
    picture and masks of other names (`id/images/id.png`, `id/masks/*.png`), each is the mask of one instance.

    Args:
        names: of all files.
        masks: the name of the folder, or what is added to the picture's name (it begins with `_`, `-` or
            `.`); None tries the usual ones.

    Raises:
        DataError: no masks at all; pictures without one, or with two, or with instances beside one.

    Example:
        >>> with_masks(["image/2.png", "image/10.png", "label/2.png", "label/10.png"]).examples[0]
        Example(name='image/2.png', page=None, label='', masks=('label/2.png',))
        >>> len(with_masks(["a/images/a.png", "a/masks/1.png", "a/masks/2.png"]).examples[0].masks)
        2
    """
    names = list(names)
    folders, endings = _how(masks)
    pictures = [name for name in names if is_picture(name)]
    stems = {_stem(name) for name in pictures}
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    images: dict[str, tuple[str, ...]] = {}
    for name in pictures:
        if _in_folder(name, folders) or _is_longer(name, endings, stems):
            found[_key(name, folders, endings)].append(name)
        else:
            images[name] = _key(name, IMAGE_FOLDERS, ())
    instances = _instances(images, found)
    examples = [
        Example(name, masks=tuple(sorted(instances.get(name) or found.get(key) or [], key=natural)))
        for name, key in images.items()
    ]
    _check_pairs(examples, instances, masks)
    used = {name for example in examples for name in (example.name, *example.masks)}
    return Found(_ordered(examples), tuple(name for name in names if name not in used))


def split_folders(names: Iterable[str]) -> dict[str, str]:
    """The top folders that hold splits: split to folder.

    Where none is for training, all that lies beside them is. Then, among folders that may be classes, one
    with pictures directly in it is a class, whatever its name.

    Raises:
        DataError: two folders are for one split.

    Example:
        >>> split_folders(["train/cat/1.png", "val/cat/2.png"])
        {'train': 'train', 'validation': 'val'}
        >>> split_folders(["cat/1.png", "test/cat/2.png"]), split_folders(["cat/1.png", "test/1.png"])
        ({'test': 'test'}, {})
    """
    names = list(names)
    top = {name.split("/")[0] for name in names if "/" in name}

    def among(words: Collection[str]) -> list[str]:
        return sorted(folder for folder in top if folder.casefold() in words)

    paths = [name.split("/") for name in names if is_picture(name)]
    loose = any(len(path) == 1 for path in paths)
    if not (loose or among((*SPLITS["train"], *IMAGE_FOLDERS, *MASK_FOLDERS))):
        top -= {path[0] for path in paths if len(path) == 2}
    found = {split: among(words) for split, words in SPLITS.items()}
    for split, folders in found.items():
        if len(folders) > 1:
            raise DataError(f"{'/ and '.join(folders)}/ are both for {split}: put their pictures into one")
    return {split: folders[0] for split, folders in found.items() if folders}


def names_below(names: Sequence[str], folder: str) -> list[str]:
    """Names of what is in a split's folder, from there on; for no folder, of what is in that of no split.

    Example:
        >>> names_below(["1.png", "test/2.png"], "test/"), names_below(["1.png", "test/2.png"], "")
        (['2.png'], ['1.png'])
    """
    if folder:
        return [name.removeprefix(folder) for name in names if name.startswith(folder)]
    others = tuple(f"{other}/" for other in split_folders(names).values())
    return [name for name in names if not name.startswith(others)]


def is_ending(masks: str) -> bool:
    """Whether `data.masks` is what is added to a picture's name, and not a folder or a file.

    Example:
        >>> is_ending("_mask"), is_ending("labels"), is_ending("./labels.tif")
        (True, False, False)
    """
    return masks[0] in "_-." and "/" not in masks


def wrapper(names: Iterable[str]) -> str:
    """The one folder that an archive packs all its pictures into, with its `/`; empty where there is none.

    Example:
        >>> wrapper(["set-1.0/cat/1.png", "set-1.0/dog/1.png", "set-1.0/README.md"])
        'set-1.0/'
        >>> wrapper(["cat/1.png", "cat/2.png"])
        ''
    """
    pictures = [name for name in names if is_picture(name)]
    tops = {name.split("/")[0] for name in pictures}
    known = {word for words in SPLITS.values() for word in words} | {*IMAGE_FOLDERS, *MASK_FOLDERS, *GOOD}
    deep = all(name.count("/") >= 2 for name in pictures)
    strange = not any(top.casefold() in known for top in tops)
    return f"{tops.pop()}/" if len(tops) == 1 and deep and strange else ""


def guess_layout(names: Sequence[str]) -> Layout:
    """What a folder of pictures is for, by its names.

    Example:
        >>> guess_layout(["images/1.png", "masks/1.png"]), guess_layout(["cat/1.png", "dog/1.png"])
        ('masks', 'classes')
    """
    pictures = [name for name in names if is_picture(name)]
    # In capitals it is a class as a rule: NORMAL beside PNEUMONIA.
    if any(part in GOOD for name in pictures for part in name.split("/")[:-1]):
        return "good"
    stems = {_stem(name) for name in pictures}
    if any(_in_folder(name, MASK_FOLDERS) or _is_longer(name, MASK_ENDINGS, stems) for name in pictures):
        return "masks"
    labels = {name.split("/")[0] if "/" in name else "" for name in pictures}
    return "classes" if len(labels) > 1 and "" not in labels else "plain"


def listed(names: Sequence[str]) -> str:
    """Names for an error: the first ten, and how many more.

    Example:
        >>> listed([str(number) for number in range(12)])
        '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _how(masks: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if masks is None:
        return MASK_FOLDERS, MASK_ENDINGS
    if is_ending(masks):
        return (), (masks,)
    return (masks.removeprefix("./").strip("/").casefold(),), MASK_ENDINGS


def _instances(
    images: dict[str, tuple[str, ...]], found: dict[tuple[str, ...], list[str]]
) -> dict[str, list[str]]:
    """Masks of single instances, of pictures that are alone in their folder."""
    alone: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, key in images.items():
        alone[key[:-1]].append(name)
    belonging: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for key, names in found.items():
        belonging[key[:-1]] += names
    instances = {}
    for parent, (name, *others) in alone.items():
        # A picture that lies loose at the top is no sample with a folder of its own.
        if others or not (parent or "/" in name):
            continue
        own = found.get(images[name], [])
        if own and len(belonging[parent]) > len(own):
            more = sorted({*belonging[parent]} - {*own}, key=natural)
            raise DataError(
                f"{name}: has a mask of its name, {own[0]}, and no other picture is there for "
                f"{listed(more)}: if each is of one object, call none as the picture; else leave them out"
            )
        if belonging[parent] and not own:
            instances[name] = belonging[parent]
    return instances


def _check_pairs(examples: list[Example], instances: dict[str, list[str]], masks: str | None) -> None:
    without = [example.name for example in examples if not example.masks]
    where = f"by data.masks = {masks!r}" if masks else "in a folder `masks` beside them or named `…_mask`"
    if len(without) == len(examples):
        raise DataError(f"no picture has a mask {where}")
    if without:
        raise DataError(
            f"{len(without):,} of {len(examples):,} pictures have no mask {where}: {listed(without)}"
        )
    for example in examples:
        if len(example.masks) > 1 and example.name not in instances:
            raise DataError(f"{example.name}: has more than one mask: {listed(example.masks)}")


def _found(names: Iterable[str], row: Callable[[str], Example | None]) -> Found:
    names = list(names)
    rows = {name: row(name) if is_picture(name) else None for name in names}
    return Found(
        _ordered([example for example in rows.values() if example]),
        tuple(name for name, example in rows.items() if example is None),
    )


def _ordered(examples: list[Example]) -> tuple[Example, ...]:
    return tuple(sorted(examples, key=lambda example: natural(example.name)))


def _is_good(name: str) -> bool:
    return _in_folder(name, GOOD)


def _in_folder(name: str, folders: tuple[str, ...]) -> bool:
    return any(part.casefold() in folders for part in name.split("/")[:-1])


def _is_longer(name: str, endings: tuple[str, ...], stems: Collection[str]) -> bool:
    """Whether a picture is called as another one, and an ending more."""
    stem = _stem(name)
    shorter = _without(stem, endings)
    return shorter != stem and shorter in stems


def _stem(name: str) -> str:
    """A path without its suffix; letters are composed, which some systems take apart in files' names."""
    return normalize("NFC", name.rsplit(".", 1)[0])


def _label(name: str) -> str:
    """The first folder, letters composed as in stems: one class, wherever its pictures were packed."""
    return normalize("NFC", name.split("/")[0])


def _without(stem: str, endings: tuple[str, ...]) -> str:
    return next((stem.removesuffix(ending) for ending in endings if stem.endswith(ending)), stem)


def _key(name: str, folders: tuple[str, ...], endings: tuple[str, ...]) -> tuple[str, ...]:
    """What a picture and its mask have in common: the path without the folder or the ending that differs."""
    *path, last = _without(_stem(name), endings).split("/")
    # Only the last such folder: one above it may be called so by chance.
    for place in range(len(path) - 1, -1, -1):
        if path[place].casefold() in folders:
            del path[place]
            break
    return (*path, last)

"""Named sets: what there is, and where it lies on this machine."""

from difflib import get_close_matches
from pathlib import Path

from regard.data.errors import DataError
from regard.data.fetch import cache_folder, find_all, here
from regard.data.images.sources import IMAGE_SETS
from regard.data.sources import NamedSet
from regard.data.text.sources import TEXT_SETS

SETS: dict[str, NamedSet] = {**TEXT_SETS, **IMAGE_SETS}


def named(name: str) -> NamedSet:
    """The set of that name.

    Raises:
        DataError: there is none; says the nearest name.
    """
    if name not in SETS:
        near = get_close_matches(name, SETS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(SETS)}"
        raise DataError(f"no data set is called {name!r}; {hint}")
    return SETS[name]


def get(name: str) -> Path:
    """Folder of a set, after downloading what is neither in REGARD_DATA nor in the cache.

    Where REGARD_DATA holds a part of the set, the rest is in the cache; the folder is that of the first file.

    Raises:
        DataError: unknown set; no network; a wrong digest; a full disk.
    """
    known = named(name)
    return _folder(known, find_all(known)[0])


def path(name: str) -> Path:
    """Folder that `get` gives, or would after downloading; downloads nothing.

    Raises:
        DataError: unknown set; REGARD_DATA names no folder.
    """
    known = named(name)
    first = here(known, known.sources[0])
    return cache_folder(known) if first is None else _folder(known, first)


def files_here(name: str) -> tuple[int, int]:
    """How many of a set's files are on this machine, and how many it has: `get` downloads the others.

    Raises:
        DataError: unknown set; REGARD_DATA names no folder.
    """
    known = named(name)
    return sum(here(known, source) is not None for source in known.sources), len(known.sources)


def _folder(known: NamedSet, first: Path) -> Path:
    """The folder of a set, from where its first file is."""
    return first.parents[known.sources[0].file.count("/")]

"""What is known of a named set."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Prepare = Callable[[Path, Path], None]


@dataclass(frozen=True)
class Source:
    """A public file.

    Attributes:
        file: its name in the set's folder, once prepared.
        url: where it is public.
        sha256: digest of what the address gives, or None where it could not be learnt beforehand (the address
            gives a newer file from time to time): then the digest of the first download is kept beside the
            file and later downloads must match it.
        prepare: makes `file` from the download, where they differ.
        package: where an installed Python package has the same file, such as `sklearn/datasets/data/x.csv`.
    """

    file: str
    url: str
    sha256: str | None = None
    prepare: Prepare | None = field(default=None, compare=False)
    package: str = ""


@dataclass(frozen=True)
class NamedSet:
    """A public set of data.

    Attributes:
        name: what recipes call it.
        about: one line.
        licence: as stated by the source.
        may_ship: whether a model trained on it may be given away, as we read the licence.
        citation: how to credit it.
        home: the page about it.
        sources: its files.
        splits: names of its parts.
        languages: codes, of a set of sentence pairs; the first two are the default source and target.
        folder: its folder under REGARD_DATA and in the cache, where it is not the name.
    """

    name: str
    about: str
    licence: str
    may_ship: bool
    citation: str
    home: str
    sources: tuple[Source, ...]
    splits: tuple[str, ...] = ("train", "validation", "test")
    languages: tuple[str, ...] = ()
    folder: str = ""

"""A folder that appears only when it is whole, and is found again when it is made of the same."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from regard.data.errors import DataError
from regard.whole_file import TEMPORARY

T = TypeVar("T")


def made(folder: Path, about: str, made_of: str, opened: Callable[[Path], T]) -> T | None:
    """What opens a folder gives, where its file `about` says that it is made of this, and it is whole.

    Args:
        folder: where it would be.
        about: a JSON file in it.
        made_of: what its key `made_of` shall say; empty matches nothing.
        opened: opens the folder, or raises a DataError if that is damaged.
    """
    try:
        if made_of and json.loads((folder / about).read_text("utf-8")).get("made_of") == made_of:
            return opened(folder)
    except (OSError, ValueError, AttributeError, DataError):
        pass
    return None


@contextmanager
def whole_folder(folder: Path, about: str, what: str, usable: Callable[[], bool]) -> Iterator[Path]:
    """A folder to be filled in a block; it gets its name when the block ends well, else nothing is left.

    A folder of that name with a file `about` is replaced, unless it has come to be usable meanwhile.

    Args:
        folder: where it shall be; its parents are made.
        about: a file that the block writes, by which such a folder is known.
        what: what errors call it.
        usable: whether what lies at `folder` is what the block would make.

    Raises:
        DataError: something else lies there; the disk is full or cannot be written.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / about).is_file()):
        raise DataError(f"{folder}: holds something else; give an empty or a new folder for {what}")
    work = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(TEMPORARY, f".{folder.name}-", folder.parent))
        yield work
        _move(work, folder, usable)
    except OSError as error:
        raise DataError(f"{folder}: {what} could not be written ({error.strerror or error})") from None
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def delete_half_made(parent: Path) -> None:
    """Remove what killed processes left half-made in a folder; no other may be making anything there now.

    Example:
        >>> parent = Path(tempfile.mkdtemp())
        >>> (parent / ".train-x3k9d2ab.part").mkdir()
        >>> delete_half_made(parent)
        >>> list(parent.iterdir())
        []
    """
    for left in parent.glob(f".*{TEMPORARY}/"):
        shutil.rmtree(left, ignore_errors=True)


def _move(work: Path, folder: Path, usable: Callable[[], bool]) -> None:
    try:
        if folder.exists() and not usable():
            shutil.rmtree(folder)
        work.replace(folder)
    except OSError:
        # Another process that makes the same was first: what it made is ours.
        if not usable():
            raise

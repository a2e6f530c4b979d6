"""A file that is whole, whatever happens while it is written."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from regard.errors import UserError

TEMPORARY = ".part"
# A file is written beside the one whose place it takes, so its folder must take new files.
_BESIDE = "its folder takes no new file to put in its place; choose another folder"
_HINTS = {errno.EACCES: _BESIDE, errno.EPERM: _BESIDE, errno.EBUSY: _BESIDE, errno.EROFS: _BESIDE}
_KEPT = 48  # letters of a name: with what is added, even one of the longest that a disk takes stays one


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that, whatever happens, its name shows the old content or the new, never a part.

    Raises:
        UserError: the disk is full or the folder cannot be written; the old file is kept.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "answer.txt"
        >>> write_atomically(file, b"42")
        >>> file.read_text(), len(list(file.parent.iterdir()))
        ('42', 1)
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a device or a pipe, which stays what it is
        else:
            replace_file(path, lambda part: part.write_bytes(data))
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "free some space or choose another folder")
        raise UserError(f"{path}: cannot write: {error.strerror}; {hint}") from None


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, and put it in the place of `path` once it is on the disk.

    A link goes on leading to the file that it leads to; a file that is replaced keeps who may read it.

    Raises:
        OSError: it cannot be written; what was there before is there still.
    """
    path = Path(os.path.realpath(path))
    part = path.with_name(f".{path.name[:_KEPT]}.{os.getpid()}{TEMPORARY}")
    try:
        part.touch()
        mode = (path if path.exists() else part).stat().st_mode
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.chmod(mode)  # safetensors lets nobody else read what it writes
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Have the rename itself on the disk, where folders can be flushed; the file is whole either way."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

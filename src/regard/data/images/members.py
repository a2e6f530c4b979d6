"""The picture files of a place: a folder, an archive, or one file by itself.

An archive is never unpacked under the names in it: a member is a range of bytes, and its name a label, so a
path such as `../../x`, a link or a device in an archive has no effect.
"""

import bz2
import gzip
import io
import lzma
import os
import re
import shutil
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from regard.data.archives import check_count, check_size, readable
from regard.data.errors import DataError
from regard.data.images.reading import is_picture
from regard.data.images.stacks import Stack

ZIPS = (".zip",)
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# What a compressed tar may unpack to, in a temporary file.
MOST_SPOOLED = 8 << 30
# What a system leaves in folders.
_LITTER = ("__MACOSX", "@eaDir")


class Members(Protocol):
    """The files of a place, to be read by any number of threads at a time.

    Attributes:
        place: the folder, archive or file.
        names: of its files, with `/` between folders, in natural order (2 before 10); hidden ones left out.
    """

    place: Path
    names: tuple[str, ...]

    def open(self, name: str) -> BinaryIO | Path | Stack:
        """A file of the place, to be read."""

    def where(self, name: str) -> str:
        """The file in the words of an error."""


def natural(name: str) -> tuple[tuple[str | tuple[int, str], ...], str]:
    """A key by which names sort as people count.

    Example:
        >>> sorted(["10.png", "2.png", "a/1.png"], key=natural)
        ['2.png', '10.png', 'a/1.png']
    """
    # Split at runs of digits, texts and numbers take turns: like is always compared with like.
    parts = re.split(r"([0-9]+)", name)
    return tuple(_number(part) if i % 2 else part for i, part in enumerate(parts)), name


def _number(digits: str) -> tuple[int, str]:
    """What sorts as the number does, of any length."""
    digits = digits.lstrip("0")
    return len(digits), digits


def is_archive(place: Path) -> bool:
    """Whether a file is taken for an archive, by its name.

    Example:
        >>> is_archive(Path("set.tar.gz")), is_archive(Path("stack.tif"))
        (True, False)
    """
    return place.name.lower().endswith(ZIPS + TARS)


@contextmanager
def open_members(place: Path) -> Iterator[Members]:
    """The files of a folder or of an archive, or a single picture file.

    A compressed tar is unpacked into a nameless temporary file, at most 8 GiB (TMPDIR says where).

    Raises:
        DataError: nothing there; no archive, or a damaged or an encrypted one; more than fits.
    """
    if place.is_dir():
        yield Folder(place)
    elif not place.exists():
        raise DataError(f"{place}: there is no such folder or file")
    elif place.name.lower().endswith(ZIPS):
        with readable(place):
            archive = zipfile.ZipFile(place)
        with archive:
            with readable(place):
                members = Zip(place, archive)
            yield members
    elif is_archive(place):
        with _plain_tar(place) as file:
            yield Tar(place, file)
    elif is_picture(place.name):
        yield Files(place, {place.name: place})
    else:
        raise DataError(
            f"{place}: neither a folder nor an archive ({', '.join(ZIPS + TARS)}) nor a picture, by its name"
        )


class Folder:
    """Files under a folder, and under folders that links in it lead to; see `Members`."""

    def __init__(self, place: Path) -> None:
        found = [
            (folder / file).relative_to(place).as_posix() for folder, files in _walk(place) for file in files
        ]
        self.place, self.names = place, _visible(found)

    def open(self, name: str) -> Path:
        """The file's path."""
        return self.place / name

    def where(self, name: str) -> str:
        """The file's path."""
        return str(self.place / name)


class Files:
    """Files by name, wherever they lie; see `Members`."""

    def __init__(self, place: Path, files: Mapping[str, Path | Stack]) -> None:
        self._files = files
        self.place: Path = place
        self.names: tuple[str, ...] = tuple(sorted(files, key=natural))

    def open(self, name: str) -> Path | Stack:
        """The file's path, or the stack that is open."""
        return self._files[name]

    def where(self, name: str) -> str:
        """The file's path."""
        return str(self._files[name])


class Below:
    """Members below a folder of another place, named from there; see `Members`."""

    def __init__(self, members: Members, folder: str) -> None:
        self._members, self._folder = members, folder
        self.place: Path = members.place
        self.names: tuple[str, ...] = tuple(
            name.removeprefix(folder) for name in members.names if name.startswith(folder)
        )

    def open(self, name: str) -> BinaryIO | Path | Stack:
        """As the other place has it."""
        return self._members.open(self._folder + name)

    def where(self, name: str) -> str:
        """As the other place has it."""
        return self._members.where(self._folder + name)


class Zip:
    """Members of a zip file; see `Members`."""

    def __init__(self, place: Path, archive: zipfile.ZipFile) -> None:
        check_count(place, len(archive.infolist()))
        self._archive = archive
        # Of members of one name, the last one counts, as it does when an archive is unpacked.
        self._infos = {_name(info.filename): info for info in archive.infolist() if not info.is_dir()}
        self.place, self.names = place, _visible(self._infos)

    def open(self, name: str) -> BinaryIO:
        """The member, unpacked in memory."""
        info = self._infos[name]
        check_size(self.place, name, info.file_size)
        with readable(self.place), self._archive.open(info) as file:
            # No more than was said, whatever is in it.
            return io.BytesIO(file.read(info.file_size))

    def where(self, name: str) -> str:
        """Archive and member."""
        return f"{self.place}: {name}"


@dataclass(frozen=True)
class _Range:
    start: int
    size: int


class Tar:
    """Members of a tar file that is not compressed (any more); see `Members`."""

    def __init__(self, place: Path, file: BinaryIO) -> None:
        self._file, self._alone = file, threading.Lock()
        self._ranges: dict[str, _Range] = {}
        with readable(place), tarfile.open(fileobj=file, mode="r:") as archive:
            for count, info in enumerate(archive):
                check_count(place, count)
                if info.isreg() and not info.issparse():
                    self._ranges[_name(info.name)] = _Range(info.offset_data, info.size)
        self.place, self.names = place, _visible(self._ranges)

    def open(self, name: str) -> BinaryIO:
        """The member, in memory."""
        found = self._ranges[name]
        check_size(self.place, name, found.size)
        with self._alone:
            self._file.seek(found.start)
            data = self._file.read(found.size)
        if len(data) != found.size:
            raise DataError(f"{self.where(name)}: cut off")
        return io.BytesIO(data)

    def where(self, name: str) -> str:
        """Archive and member."""
        return f"{self.place}: {name}"


@contextmanager
def _plain_tar(place: Path) -> Iterator[BinaryIO]:
    """A tar file as it is, or unpacked into a temporary file that has no name."""
    if place.name.lower().endswith(".tar"):
        with readable(place):
            plain = place.open("rb")
        with plain:
            yield plain
        return
    with tempfile.TemporaryFile(prefix="regard-") as file:
        with readable(place), _decompressed(place) as packed:
            while piece := packed.read(1 << 20):
                if file.tell() + len(piece) > MOST_SPOOLED:
                    raise DataError(
                        f"{place}: would unpack to more than {MOST_SPOOLED:,} bytes; "
                        "if you trust it, unpack it and give the folder"
                    )
                if shutil.disk_usage(tempfile.gettempdir()).free < len(piece):
                    raise DataError(f"{tempfile.gettempdir()}: no room to unpack {place}; set TMPDIR")
                file.write(piece)
        file.flush()
        file.seek(0)
        yield file


def _walk(place: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders and their files; a link that leads back to a folder that it lies in is passed over.

    Raises:
        DataError: a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename or place}: cannot be read ({error.strerror})")

    above: dict[Path, frozenset[Path]] = {place: frozenset()}
    for name, below, files in os.walk(place, onerror=refuse, followlinks=True):
        folder = Path(name)
        line = above.pop(folder) | {folder.resolve()}
        below[:] = [inside for inside in below if (folder / inside).resolve() not in line]
        above |= {folder / inside: line for inside in below}
        yield folder, files


def _decompressed(place: Path) -> BinaryIO:
    name = place.name.lower()
    if name.endswith("gz"):
        return cast(BinaryIO, gzip.open(place))
    return cast(BinaryIO, bz2.open(place) if name.endswith("bz2") else lzma.open(place))


def _name(raw: str) -> str:
    """A member's name without what only an unpacking would heed: a root, `.`, `..`."""
    parts = PurePosixPath(raw.replace("\\", "/")).parts
    return "/".join(part for part in parts if part not in ("/", ".", ".."))


def _visible(names: Iterable[str]) -> tuple[str, ...]:
    kept = [
        name
        for name in names
        if name and not any(part.startswith(".") or part in _LITTER for part in name.split("/"))
    ]
    return tuple(sorted(kept, key=natural))

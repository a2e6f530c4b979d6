"""Reading archives that come from outside, within bounds.

Members are read as streams and never written under their own names, so a path such as `../../x`, a link or a
device in an archive has no effect.
"""

import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regard.data.errors import DataError

# More than any set of the catalogue needs; less than what would fill a disk.
MOST_BYTES = 1 << 30
MOST_MEMBERS = 200_000


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """A block that reads an archive; what goes wrong in it is told as one plain error.

    Raises:
        DataError: it is no archive, or damaged, or cannot be read.
    """
    try:
        yield
    except DataError:
        raise
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        gzip.BadGzipFile,
        RuntimeError,
        # Names that are no text, or none at all, and numbers that say more than there is.
        ValueError,
        IndexError,
        struct.error,
    ) as error:
        raise DataError(f"{path}: not an archive that can be read, or damaged ({error})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def check_size(path: Path, member: str, size: int) -> None:
    """That a member, or all so far, unpacks to no more than `MOST_BYTES`.

    Raises:
        DataError: it would.
    """
    if size > MOST_BYTES:
        raise DataError(f"{path}: {member} would unpack to {size:,} bytes; at most {MOST_BYTES:,} are taken")


def check_count(path: Path, count: int) -> None:
    """That an archive has no more than `MOST_MEMBERS`.

    Raises:
        DataError: it has.
    """
    if count > MOST_MEMBERS:
        raise DataError(f"{path}: has more than {MOST_MEMBERS:,} members")

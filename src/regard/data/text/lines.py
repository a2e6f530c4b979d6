"""Lines of text files, plain or .gz: strict about encoding, telling file and line."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from regard.data.errors import DataError

# Longer than any sentence or paragraph; a binary file or one without line ends must not fill the memory.
LONGEST_LINE = 1 << 20


def read_lines(path: Path | str) -> Iterator[tuple[int, str]]:
    r"""Number (from 1) and text of each line, without its end (\n or \r\n), never the whole file at once.

    Raises:
        DataError: missing or unreadable file, invalid UTF-8, a NUL (a binary file), a line beyond 1 MiB, line
            ends of an old Mac.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = file.write_text("one\ntwo\n", encoding="utf-8")
        >>> list(read_lines(file))
        [(1, 'one'), (2, 'two')]
    """
    path = Path(path)
    try:
        with _open(path) as file:
            yield from decode_lines(file, str(path))
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise DataError(f"{path}: ends in .gz but is not a gzip file, or is damaged ({error})") from None
        raise DataError(f"{path}: {_reason(error)}") from None
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path}: the gzip file is cut short or damaged ({error})") from None


def decode_lines(file: IO[bytes], name: str) -> Iterator[tuple[int, str]]:
    """The same of an open binary file or stream; `name` is what errors call it."""
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if number == 1:
            _refuse_old_mac(raw, name)
        if len(raw) > LONGEST_LINE:
            raise DataError(f"{name}, line {number}: longer than 1 MiB; is this text with one row a line?")
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        # Before decoding: a binary file is told as one wherever its first byte that is not UTF-8 may be.
        if b"\0" in raw:
            raise DataError(
                f"{name}, line {number}: this looks like a binary file, for it holds a NUL byte; give a text "
                "file in UTF-8 (UTF-16 looks like this too; convert it with: iconv -f utf-16 -t utf-8)"
            )
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name}, line {number}: not valid UTF-8 at byte {error.start + 1} "
                f"(0x{raw[error.start]:02X}) of the line; convert it first, for example with: "
                "iconv -f latin1 -t utf-8"
            ) from None
        yield number, text.removesuffix("\n").removesuffix("\r")


def _refuse_old_mac(first: bytes, name: str) -> None:
    r"""Make sure that a file's lines do not end in \r alone, which would make one line of them all.

    Args:
        first: the file's first line, its end included.
        name: what errors call the file.

    Raises:
        DataError: they do. A \r within a file that has line feeds is text: lines that are aligned stay so.
    """
    if b"\r" in first[:-1] and not first.endswith(b"\n") and b"\0" not in first:
        raise DataError(
            f"{name}: its lines end in a carriage return alone, as those of old Macs; convert it first, for "
            r"example with: tr '\r' '\n'"
        )


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.open(path, "rb"))
    return path.open("rb")


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "is a folder; a text file is wanted"
    return f"cannot be read ({error.strerror or error})"

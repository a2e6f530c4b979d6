"""Lines from a stream: strict about their encoding, in chunks that begin small."""

import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from regard.errors import UserError

_FIRST_CHUNK = 8
_LARGEST_CHUNK = 512


def has_input() -> bool:
    """Whether lines come from standard input: it is neither closed nor someone at a terminal."""
    return sys.stdin is not None and not sys.stdin.isatty()


def read_lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a UTF-8 stream, without their ends; only a line feed (or CR LF) ends a line.

    Raises:
        UserError: a line is not UTF-8, or has a NUL as binary files do; the message names it. Or lines end as
            those of old Macs.

    Example:
        >>> import io
        >>> list(read_lines(io.BytesIO("un\\r\\n\\ndeux".encode()), "input"))
        ['un', '', 'deux']
    """
    from regard.data.text.lines import refuse_old_mac

    for number, raw in enumerate(stream, start=1):
        if number == 1:
            refuse_old_mac(raw, name)
        # Before decoding: a binary file is told as one wherever its first byte that is not UTF-8 may be.
        if b"\0" in raw:
            raise UserError(
                f"{name}, line {number}: this looks like a binary file; give a text file in UTF-8 "
                "(UTF-16 looks like this too; convert it with: iconv -f utf-16 -t utf-8)"
            )
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{name}, line {number}: not valid UTF-8 (byte {error.start + 1} of the line); "
                "convert it first, for example with: iconv -f latin1 -t utf-8"
            ) from None
        yield line.removesuffix("\n").removesuffix("\r")


def chunks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lists of lines: a few first, so that output starts soon, then more, so that batches fill.

    Example:
        >>> [len(chunk) for chunk in chunks(str(line) for line in range(60))]
        [8, 16, 32, 4]
    """
    chunk: list[str] = []
    size = _FIRST_CHUNK
    try:
        for line in lines:
            chunk.append(line)
            if len(chunk) == size:
                yield chunk
                chunk, size = [], min(2 * size, _LARGEST_CHUNK)
    except UserError:
        # What came before the bad line is not lost with it.
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk

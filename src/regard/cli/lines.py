"""Lines from a stream, in chunks that begin small."""

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
        UserError: see `regard.data.text.read_lines`; the message names the line.

    Example:
        >>> import io
        >>> list(read_lines(io.BytesIO("un\\r\\n\\ndeux".encode()), "input"))
        ['un', '', 'deux']
    """
    from regard.data.text.lines import decode_lines

    return (line for _, line in decode_lines(stream, name))


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

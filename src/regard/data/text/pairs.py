"""Pairs of source and target text."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from regard.counted import counted
from regard.data.errors import DataError
from regard.data.text.lines import read_lines
from regard.data.text.table import Field, read_rows


class Pair(NamedTuple):
    """A text and its counterpart, such as a sentence and its translation."""

    source: str
    target: str


def read_pairs(
    path: Path | str,
    target_path: Path | str | None = None,
    *,
    source: Field | None = None,
    target: Field | None = None,
) -> Iterator[Pair]:
    r"""Pairs of a TSV or JSONL file, or of two aligned text files; plain or .gz; one after the other.

    Args:
        path: .jsonl, or tab-separated; the source text where `target_path` is given.
        target_path: the second of two aligned files.
        source, target: keys (JSONL), header names or column numbers from 0 (TSV).

    Raises:
        DataError: names file and line; missing or binary file, invalid UTF-8, a missing field, files of
            different numbers of lines, no pairs at all.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "pairs.tsv"
        >>> _ = file.write_text("Go.\tVa !\n", encoding="utf-8")
        >>> next(read_pairs(file))
        Pair(source='Go.', target='Va !')
    """
    if target_path is None:
        for left, right in read_rows(path, (source, target), ("source", "target")):
            yield Pair(left, right)
        return
    last = 0
    for left_line, right_line in zip_longest(read_lines(path), read_lines(target_path)):
        if left_line is None or right_line is None:
            raise DataError(_different(Path(path), Path(target_path), last, left_line is None))
        last = left_line[0]
        yield Pair(left_line[1], right_line[1])
    if not last:
        raise DataError(f"{path} and {target_path}: hold no lines")


def _different(path: Path, target_path: Path, last: int, first_ended: bool) -> str:
    short, long = (path, target_path) if first_ended else (target_path, path)
    total = counted(sum(1 for _ in read_lines(long)), "line")
    return f"{short} ends after line {last}, but {long} has {total}; aligned files have equally many"

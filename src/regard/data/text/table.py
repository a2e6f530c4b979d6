"""Rows of a TSV or JSONL file: fields that are asked for by name or number."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from regard.data.errors import DataError
from regard.data.text.lines import read_lines

Field = str | int
_Numbered = tuple[int, tuple[str, ...]]
_Place = TypeVar("_Place", int, str)

# JSON can spell what no text can hold.
HALF_PAIR = re.compile("[\ud800-\udfff]")


def read_rows(
    path: Path | str, fields: tuple[Field | None, ...], names: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """The asked fields of each row, in the order asked.

    Raises:
        DataError: see `numbered_rows`.
    """
    return (row for _, row in numbered_rows(path, fields, names))


def numbered_rows(
    path: Path | str, fields: tuple[Field | None, ...], names: tuple[str, ...]
) -> Iterator[_Numbered]:
    """The same, each row with the number of its line.

    Args:
        path: a .jsonl (or .json, one object a line) or a tab-separated file, plain or .gz.
        fields: for JSONL the keys; for TSV column numbers from 0, or names of the header line. None takes the
            default: the key in `names`, or the column of the same position; where another field has that,
            the default that is left.
        names: what the fields are, for defaults and errors.

    Raises:
        DataError: names file and line; unreadable file, no rows, a missing field, one that is not text; two
            fields in one place.
    """
    path = Path(path)
    read = _jsonl if is_jsonl(path) else _tsv
    empty = True
    for numbered in read(path, fields, names):
        empty = False
        yield numbered
    if empty:
        raise DataError(f"{path}: holds no rows")


def is_jsonl(path: Path) -> bool:
    """Whether a file is read as JSONL, by its name.

    Example:
        >>> is_jsonl(Path("a.jsonl.gz")), is_jsonl(Path("a.txt"))
        (True, False)
    """
    kind = path.with_suffix("") if path.suffix == ".gz" else path
    return kind.suffix in {".jsonl", ".json"}


def _tsv(path: Path, fields: tuple[Field | None, ...], names: tuple[str, ...]) -> Iterator[_Numbered]:
    skip = 1 if any(isinstance(field, str) for field in fields) else 0
    header = _header(path) if skip else []
    asked = [_column(path, header, field) if isinstance(field, str) else field for field in fields]
    wanted = _places(asked, range(len(fields)))
    for number, line in _table_lines(path):
        if number <= skip:
            continue
        cells = line.split("\t")
        if len(cells) <= max(wanted):
            raise DataError(
                f"{path}, line {number}: expected at least {max(wanted) + 1} columns with tabs between them, "
                f"found {len(cells)}"
            )
        yield number, tuple(cells[column] for column in wanted)


def _table_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a table, none of which holds several rows that carriage returns part, as old Macs did."""
    for number, line in read_lines(path):
        if re.search(r"\t[^\t]*\r[^\t]*\t", line):
            raise DataError(
                f"{path}, line {number}: rows are parted by carriage returns, as those of old Macs; "
                r"convert it first, for example with: tr '\r' '\n'"
            )
        yield number, line


def _header(path: Path) -> list[str]:
    first = next(_table_lines(path), None)
    return first[1].split("\t") if first else []


def _column(path: Path, header: list[str], name: str) -> int:
    if name not in header:
        raise DataError(
            f"{path}, line 1: the header has no column {name!r}; it has {', '.join(map(repr, header))}. "
            "Give a column of the header, or a column number from 0"
        )
    return header.index(name)


def _places(asked: Sequence[_Place | None], defaults: Sequence[_Place]) -> list[_Place]:
    """Where each field is; one that was not asked for has its default, or what the others leave of them.

    Two fields are in one place only where both were asked for there: a model may learn to copy.
    """
    left = [default for default in defaults if default not in asked]
    return [
        place if place is not None else default if default in left else left[0]
        for place, default in zip(asked, defaults, strict=True)
    ]


def _jsonl(path: Path, fields: tuple[Field | None, ...], names: tuple[str, ...]) -> Iterator[_Numbered]:
    keys = _places([None if field is None else str(field) for field in fields], names)
    for number, line in read_lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: not JSON ({error})") from None
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number}: expected an object such as {{{keys[0]!r}: …}}")
        for key in keys:
            if key not in row:
                raise DataError(f"{path}, line {number}: no key {key!r}; it has {', '.join(map(repr, row))}")
            value = row[key]
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise DataError(f"{path}, line {number}: {key!r} must be text, found {type(value).__name__}")
            if HALF_PAIR.search(str(value)):
                raise DataError(
                    f"{path}, line {number}: {key!r} holds half of a surrogate pair (\\ud800 to \\udfff)"
                )
        yield number, tuple(str(row[key]) for key in keys)

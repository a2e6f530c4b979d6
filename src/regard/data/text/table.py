"""Rows of a TSV or JSONL file with two or more fields that are asked for by name or number."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from regard.data.errors import DataError
from regard.data.text.lines import read_lines

Field = str | int
_Numbered = tuple[int, tuple[str, ...]]

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
            default: the key in `names`, or the column of the same position.
        names: what the fields are, for defaults and errors.

    Raises:
        DataError: names file and line; unreadable file, no rows, a missing field, one that is not text.
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
    columns = [position if field is None else field for position, field in enumerate(fields)]
    pick: Callable[[Field], int] = int
    if any(isinstance(column, str) for column in columns):
        pick = _header(path, columns)
    wanted = [pick(column) for column in columns]
    skip = 1 if pick is not int else 0
    for number, line in read_lines(path):
        if number <= skip:
            continue
        cells = line.split("\t")
        if len(cells) <= max(wanted):
            raise DataError(
                f"{path}, line {number}: expected at least {max(wanted) + 1} columns with tabs between them, "
                f"found {len(cells)}"
            )
        yield number, tuple(cells[column] for column in wanted)


def _header(path: Path, columns: list[Field]) -> Callable[[Field], int]:
    first = next(read_lines(path), None)
    header = first[1].split("\t") if first else []
    missing = [column for column in columns if isinstance(column, str) and column not in header]
    if missing:
        raise DataError(
            f"{path}, line 1: the header has no column {missing[0]!r}; it has "
            f"{', '.join(map(repr, header))}. Give a column of the header, or a column number from 0"
        )
    return lambda column: header.index(column) if isinstance(column, str) else column


def _jsonl(path: Path, fields: tuple[Field | None, ...], names: tuple[str, ...]) -> Iterator[_Numbered]:
    keys = [str(name if field is None else field) for field, name in zip(fields, names, strict=True)]
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

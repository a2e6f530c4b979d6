"""From what a recipe says about data to rows that can be read again and again."""

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, Generic, TypeVar

from regard.data.catalogue import named
from regard.data.errors import DataError, why_no_file
from regard.data.fetch import digest_of
from regard.data.held_out import position
from regard.data.text.config import DataConfig, MoreConfig, as_list
from regard.data.text.labelled import Labelled, Labels, read_labelled
from regard.data.text.lines import read_lines
from regard.data.text.more import with_more
from regard.data.text.named_splits import languages, load_split, split_files
from regard.data.text.pairs import Pair, read_pairs
from regard.data.text.sentences import is_blank
from regard.data.text.table import Field, is_jsonl, read_rows

Row = TypeVar("Row", bound=tuple[str, ...])


class Rows(Generic[Row]):
    """Rows of a split; each iteration reads the files again, nothing is held.

    Attributes:
        name: what errors and progress call them.
        files: what is read.
        made_of: what was asked of the files.
    """

    def __init__(self, read: Callable[[], Iterator[Row]], name: str, files: list[Path], made_of: str) -> None:
        self._read, self.name, self.files, self.made_of = read, name, files, made_of

    def __iter__(self) -> Iterator[Row]:
        return self._read()

    @cached_property
    def digest(self) -> str:
        """Hash of the files' content and of what was asked of them: equal digests are equal rows."""
        parts = [self.made_of, *(digest_of(file) for file in self.files)]
        return sha256("\n".join(parts).encode()).hexdigest()


def pairs_of(config: DataConfig, split: str) -> Rows[Pair]:
    """Pairs of a split (*train*, *validation*, *test*, or a named set's own); of *train* with `data.more`.

    Raises:
        DataError: no such split or file, when asked or when read.
    """
    pairs = _pairs_of(config, split)
    return _with_more(pairs, config, config.more) if split == "train" and config.more is not None else pairs


def _pairs_of(config: DataConfig, split: str) -> Rows[Pair]:
    if config.sets:
        return _named(config, config.sets, split)
    files, share = _chosen(config, split)
    fields = (config.source, config.target)
    return _from_files(
        files, split, share, lambda: read_pairs(*files, source=fields[0], target=fields[1]), fields
    )


def _named(config: DataConfig, sets: tuple[str, ...], split: str) -> Rows[Pair]:
    source, target = _language(config.source, "source"), _language(config.target, "target")
    files = split_files(sets, split, source, target)
    about = _about(sets, split, source, target)
    return Rows(lambda: load_split(sets, split, source, target), "+".join(sets), files, about)


def _with_more(pairs: Rows[Pair], config: DataConfig, more: MoreConfig) -> Rows[Pair]:
    files = as_list(more.train)
    for file in files:
        check_file(file, "data.more.train: ")
    fields = (more.source, more.target)
    added = _from_files(
        files, "train", 0.0, lambda: read_pairs(*files, source=fields[0], target=fields[1]), fields
    )
    held_out = _held_out(config)
    every = (pairs, added, *held_out)
    by = _deciding_side(config)
    return Rows(
        lambda: with_more(pairs, added, more.times, chain.from_iterable(held_out), by=by),
        f"{pairs.name} and {added.name}",
        [file for rows in every for file in rows.files],
        _about(*(rows.made_of for rows in every), more.times),
    )


def _deciding_side(config: DataConfig) -> int:
    """The side by which rows are held out: 1, the target, of sets that are read into English."""
    if not config.sets:
        return 0
    source, target = _language(config.source, "source"), _language(config.target, "target")
    return int(languages(config.sets[0], source, target)[1] == "en")


def _held_out(config: DataConfig) -> list[Rows[Pair]]:
    """All that is kept from training: of joined sets what each of them keeps, under its own names."""
    if config.sets:
        kept = [(name, split) for name in config.sets for split in named(name).splits if split != "train"]
        return [_named(config, (name,), split) for name, split in kept]
    return [_pairs_of(config, split) for split in ("validation", "test") if split != "test" or config.test]


def texts_of(config: DataConfig, split: str) -> Rows[tuple[str]]:
    """Texts of a split, each a document; for language modelling. Empty ones are passed over.

    A text file gives its lines, whole; a JSONL file, or one of which `data.text` names a column, that field.
    A named set gives the texts of one language, `target` (else its first other than `source`).

    Raises:
        DataError: no such split or file; `data.text` of a named set.
    """
    if config.sets:
        if config.text is not None:
            raise DataError(
                f"data.text = {config.text!r}: a named set has languages, no columns; choose with data.target"
            )
        pairs = pairs_of(config, split)
        about = pairs.made_of + "target"
        return Rows(lambda: ((pair.target,) for pair in pairs), pairs.name, pairs.files, about)
    files, share = _chosen(config, split)
    if len(files) != 1:
        raise DataError(f"data.{split}: language modelling reads one text file, not two")
    if config.text is None and not is_jsonl(files[0]):
        return _from_files(files, split, share, lambda: _lines(files[0]), ())
    return _from_files(files, split, share, lambda: _column(files[0], config.text), ("text", config.text))


def labelled_of(config: DataConfig, split: str, labels: Labels | None = None) -> Rows[Labelled]:
    """Labelled texts of a split, for classification.

    Args:
        config: where the text comes from.
        split: *train*, *validation* or *test*.
        labels: those that there may be; None: any.

    Raises:
        DataError: no such split or file; a named set (none has labels); when read, another label.
    """
    if config.sets:
        raise DataError(
            f"data.name = {config.sets[0]!r}: this set has no labels; give data.train a TSV or JSONL file"
        )
    files, share = _chosen(config, split)
    if len(files) != 1:
        raise DataError(f"data.{split}: classification reads one TSV or JSONL file, not two")
    fields = (config.text, config.label)
    return _from_files(
        files,
        split,
        share,
        lambda: read_labelled(files[0], text=fields[0], label=fields[1], labels=labels),
        fields,
    )


def labels_of(config: DataConfig) -> Labels:
    """The labels of the training file, also of rows that are held out of it: a rare one may be there alone.

    Raises:
        DataError: as `labelled_of`; fewer than two labels.
    """
    (file,) = labelled_of(config, "train").files
    rows = read_labelled(file, text=config.text, label=config.label)
    return Labels.of(row.label for row in rows if row.whole)


def check_test(config: DataConfig, rows_of: Callable[[DataConfig, str], Rows[Any]]) -> None:
    """Read a test file through: what is wrong with it is told before hours of training, not after.

    Args:
        config: where the text comes from.
        rows_of: one of the three above.

    Raises:
        DataError: as `rows_of`, and as its rows when they are read; a file whose rows are all blank.
    """
    if config.test is None:
        return
    some = False
    for row in rows_of(config, "test"):
        some = some or not any(map(is_blank, row))
    if not some:
        files = " and ".join(map(str, as_list(config.test)))
        raise DataError(f"data.test: {files}: there is no row without a blank field")


def check_file(file: Path, asked: str = "") -> None:
    """Make sure that there is a file.

    Args:
        file: which.
        asked: what asked for it, as an error begins.

    Raises:
        DataError: there is none.
    """
    if not file.is_file():
        raise DataError(f"{asked}{file}: {why_no_file(file)}")


def _lines(file: Path) -> Iterator[tuple[str]]:
    empty = True
    for _, line in read_lines(file):
        if line.strip():
            empty = False
            yield (line,)
    if empty:
        raise DataError(f"{file}: is empty: it holds no text")


def _column(file: Path, text: Field | None) -> Iterator[tuple[str]]:
    return ((field,) for (field,) in read_rows(file, (text,), ("text",)) if field.strip())


def _chosen(config: DataConfig, split: str) -> tuple[list[Path], float]:
    """Files of a split, and the share of them that is held out; 0 where the split has files of its own."""
    given = {"train": config.train, "validation": config.validation, "test": config.test}
    if split not in given:
        raise DataError(f"data: files have no split {split!r}; there are {', '.join(given)}")
    chosen, held = given[split], config.validation is None and split != "test"
    if chosen is None and not held:
        raise DataError(f"data.{split}: no file is given")
    chosen = chosen or config.train
    assert chosen is not None  # the config holds either a name or train
    files = as_list(chosen)
    for file in files:
        check_file(file, f"data.{split}: ")
    return files, config.hold_out if held else 0.0


def _from_files(
    files: list[Path],
    split: str,
    share: float,
    read: Callable[[], Iterator[Row]],
    fields: tuple[object, ...],
) -> Rows[Row]:
    about = _about(split if share else "", share, *fields)
    name = " and ".join(map(str, files))
    return Rows(lambda: _held(read(), split, share, files), name, files, about)


def _held(rows: Iterator[Row], split: str, share: float, files: list[Path]) -> Iterator[Row]:
    some = False
    for row in rows:
        if not share or (position(row[0]) < share) == (split == "validation"):
            some = True
            yield row
    if not some:
        what = "no row is left" if split == "train" else "no row falls into the share held out"
        raise DataError(
            f"{files[0]}: {what} for {split}; give data.validation a file, or another data.hold_out"
        )


def _about(*parts: object) -> str:
    return json.dumps(parts, default=str)


def _language(value: str | int | None, key: str) -> str | None:
    if isinstance(value, int):
        raise DataError(f"data.{key} = {value}: a named set has languages, such as 'en', not column numbers")
    return value

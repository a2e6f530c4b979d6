"""Texts with a label each, for classification."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from regard.data.errors import DataError
from regard.data.text.table import Field, numbered_rows


class Labelled(NamedTuple):
    """A text and its label."""

    text: str
    label: str

    @property
    def whole(self) -> bool:
        """Whether there is a text and a label; a row that lacks one is left out."""
        return all(field.strip() for field in self)


def read_labelled(
    path: Path | str,
    *,
    text: Field | None = None,
    label: Field | None = None,
    labels: "Labels | None" = None,
) -> Iterator[Labelled]:
    r"""Labelled texts of a TSV (`label<TAB>text` by default) or JSONL file (keys `label` and `text`).

    Args:
        path: the file.
        text, label: its columns or keys.
        labels: those that there may be; None: any.

    Raises:
        DataError: names file and line; see `regard.data.read_pairs`.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "reviews.tsv"
        >>> _ = file.write_text("good\tI liked it.\n", encoding="utf-8")
        >>> next(read_labelled(file))
        Labelled(text='I liked it.', label='good')
    """
    for number, (name, content) in numbered_rows(path, (label, text), ("label", "text")):
        row = Labelled(content, name.strip())
        try:
            if labels is not None and row.whole:
                labels.number(row.label)
        except DataError as error:
            raise DataError(f"{path}, line {number}: {error}") from None
        yield row


class Labels:
    """Numbers for label names; an encoder for `regard.data.build_corpus`, one id a row.

    Example:
        >>> labels = Labels.of(["good", "bad", "good"])
        >>> labels.names, labels.encode_batch(["good"])
        (('bad', 'good'), [[1]])
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._ids = {name: index for index, name in enumerate(self.names)}

    @classmethod
    def of(cls, labels: Iterable[str]) -> "Labels":
        """All different labels, in alphabetical order.

        Raises:
            DataError: fewer than two.
        """
        names = sorted(set(labels))
        if len(names) < 2:
            found = f"only {names[0]!r}" if names else "none"
            raise DataError(f"classification needs at least two different labels, found {found}")
        return cls(names)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Labels":
        """Read what `to_bytes` gave."""
        return cls(json.loads(data))

    def to_bytes(self) -> bytes:
        """The names as JSON."""
        return json.dumps(self.names, ensure_ascii=False).encode("utf-8")

    @property
    def size(self) -> int:
        """Number of labels."""
        return len(self.names)

    def number(self, label: str) -> int:
        """The number of a label.

        Raises:
            DataError: training did not have it.
        """
        if label not in self._ids:
            raise DataError(f"label {label!r} is not one of {', '.join(map(repr, self.names))}")
        return self._ids[label]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The number of each label.

        Raises:
            DataError: a label that training did not have.
        """
        return [[self.number(text)] for text in texts]

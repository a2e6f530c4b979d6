"""An encoded corpus: token ids in files that are mapped, not read, into memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from regard.data.mapped import mapped, read_about

# Ids of many rows end to end [tokens], and the length of each [rows].
Flat = tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.int64]]

ABOUT = "corpus.json"
FORMAT = 1
SIDES = ("source", "target")


class EncodedCorpus:
    """Rows of token ids on disk; opening costs nothing, and processes that open it share its memory.

    A folder holds, little-endian: `source.ids` and `target.ids` (uint16, or uint32 where the vocabulary needs
    it), `source.starts` and `target.starts` (uint64, rows + 1), `lengths` (uint32 [rows, 2]), `corpus.json`.
    A corpus of single texts has no target. Build one with `regard.data.build_corpus`.

    Attributes:
        folder: where it lies.
        digest: hash of all rows and of the tokenizers; equal digests are equal corpora.
        lengths: tokens of source and target without special tokens, uint32 [rows, 2] or [rows, 1]; mapped.
        report: what the filters left out.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        about = read_about(self.folder / ABOUT, FORMAT, "encoded corpus")
        self.digest: str = about["digest"]
        self.report: dict[str, int] = about["report"]
        self._rows: int = about["rows"]
        names = tuple(about["tokens"])
        lengths = mapped(self.folder / "lengths", "<u4", self._rows * len(names))
        self.lengths: npt.NDArray[np.uint32] = lengths.reshape(-1, len(names))
        self._sides = tuple(
            Side(
                mapped(self.folder / f"{side}.ids", about["dtype"], about["tokens"][side]),
                mapped(self.folder / f"{side}.starts", "<u8", self._rows + 1),
            )
            for side in names
        )

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: int) -> tuple[npt.NDArray[np.integer[Any]], ...]:
        """Source and target ids of a row, without special tokens (views of the file).

        Raises:
            IndexError: no such row.
        """
        if not 0 <= row < self._rows:
            raise IndexError(f"row {row} of a corpus of {self._rows}")
        return tuple(side[row] for side in self._sides)

    def gather(self, rows: npt.NDArray[np.int64]) -> tuple[Flat, ...]:
        """Many rows at once, each side end to end."""
        return tuple(side.gather(rows) for side in self._sides)

    @property
    def source(self) -> "Side":
        """All source rows."""
        return self._sides[0]

    @property
    def target(self) -> "Side":
        """All target rows."""
        return self._sides[1]

    def __repr__(self) -> str:
        return f"EncodedCorpus({str(self.folder)!r}, rows={self._rows:,}, digest={self.digest[:12]!r})"

    def __reduce__(self) -> tuple[type["EncodedCorpus"], tuple[Path]]:
        # A worker gets the folder and maps it itself; the rows are never copied.
        return EncodedCorpus, (self.folder,)


@dataclass(frozen=True)
class Side:
    """One language of a corpus.

    Attributes:
        ids: all tokens, row after row [tokens].
        starts: where each row starts [rows + 1].
    """

    ids: npt.NDArray[np.integer[Any]]
    starts: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, rows: Flat) -> "Side":
        """Rows that lie in memory."""
        ids, lengths = rows
        return cls(ids, np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint64))

    def __getitem__(self, row: int) -> npt.NDArray[np.integer[Any]]:
        return self.ids[int(self.starts[row]) : int(self.starts[row + 1])]

    def gather(self, rows: npt.NDArray[np.int64]) -> Flat:
        """Many rows end to end."""
        first = self.starts[rows].astype(np.int64)
        lengths = self.starts[rows + 1].astype(np.int64) - first
        before = np.cumsum(lengths) - lengths
        return self.ids[np.arange(lengths.sum()) + np.repeat(first - before, lengths)], lengths

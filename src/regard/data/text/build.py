"""Encoding rows of text into a corpus on disk: streaming, in parallel, all or nothing."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
from rich.console import Console

from regard.data.bar import Bar
from regard.data.errors import DataError
from regard.data.text.config import FilterConfig
from regard.data.text.corpus import ABOUT, FORMAT, SIDES, EncodedCorpus
from regard.data.text.filters import PairFilter
from regard.data.whole_folder import made, whole_folder

# Rows encoded at a time: enough to keep every core busy, little enough to hold.
CHUNK = 8192


class Encoder(Protocol):
    """What makes ids of one field of a row: a `Tokenizer`, `Labels`, …"""

    @property
    def size(self) -> int:
        """Number of different ids."""

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text."""

    def to_bytes(self) -> bytes:
        """What tells this encoder from another."""


def build_corpus(
    rows: Iterable[tuple[str, ...]],
    encoders: tuple[Encoder, ...],
    folder: Path | str,
    *,
    filters: FilterConfig | None = None,
    key: str = "",
    total: int | None = None,
    console: Console | None = None,
    name: str = "the corpus",
) -> EncodedCorpus:
    """Encode pairs (or single texts), in all threads that RAYON_NUM_THREADS allows.

    No more than a few thousand rows are held at a time.
    The folder appears only when it is whole. One that is there already, made of the same encoders, filters
    and `key`, is opened and the rows are not read.

    Args:
        rows: tuples of one or two texts, such as `Pair`; read once.
        encoders: one a field: the tokenizers of source and target, the same twice where they are joint.
        folder: where the corpus goes; its parents are made.
        filters: rows to leave out; None leaves out only empty ones.
        key: what tells these rows from others (a file's digest, a set's name and version), for reuse; with an
            empty key nothing is reused.
        total: number of rows where known, for the progress bar.
        console: where progress is shown; None shows none.
        name: what errors and progress call it.

    Raises:
        DataError: no rows left; the folder holds something else; the disk is full.
    """
    folder = Path(folder)
    filters = filters or FilterConfig(max_length=1 << 30, max_ratio=1e9, duplicates="keep")
    made_of = _made_of(encoders, filters, key) if key else ""

    def found() -> EncodedCorpus | None:
        return made(folder, ABOUT, made_of, EncodedCorpus)

    if (whole := found()) is not None:
        return whole
    with whole_folder(folder, ABOUT, name, lambda: found() is not None) as work:
        about = _encode(rows, encoders, work, PairFilter(filters), Bar(console, total, f"Encoding {name}"))
        if not about["rows"]:
            raise DataError(f"{name}: no rows are left ({about['found']})")
        (work / ABOUT).write_text(json.dumps(about | {"made_of": made_of}, indent=1), "utf-8")
    return EncodedCorpus(folder)


def _made_of(encoders: tuple[Encoder, ...], filters: FilterConfig, key: str) -> str:
    parts = [encoder.to_bytes() for encoder in encoders]
    parts += [filters.model_dump_json().encode(), key.encode(), str(FORMAT).encode()]
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def _encode(
    rows: Iterable[tuple[str, ...]],
    encoders: tuple[Encoder, ...],
    work: Path,
    keep: PairFilter,
    progress: Bar,
) -> dict[str, Any]:
    dtype = "<u2" if max(encoder.size for encoder in encoders) <= 1 << 16 else "<u4"
    digest = sha256(b"".join(sha256(encoder.to_bytes()).digest() for encoder in encoders))
    names = SIDES[: len(encoders)]
    with contextlib.ExitStack() as stack:
        sides = [_SideWriter(work, name, dtype, stack) for name in names]
        lengths = stack.enter_context((work / "lengths").open("wb"))
        stack.enter_context(progress)
        for chunk in _chunks(keep.texts(rows)):
            fields = zip(*chunk, strict=True)
            encoded = [encoder.encode_batch(texts) for encoder, texts in zip(encoders, fields, strict=True)]
            kept = [row for row in zip(*encoded, strict=True) if keep.lengths([len(ids) for ids in row])]
            sizes = np.array([[len(ids) for ids in row] for row in kept], "<u4").reshape(-1, len(sides))
            lengths.write(sizes.tobytes())
            digest.update(sizes.tobytes())
            for i, side in enumerate(sides):
                digest.update(side.write([row[i] for row in kept], sizes[:, i]))
            progress.at(keep.report.read)
    return {
        "format": FORMAT,
        "digest": digest.hexdigest(),
        "rows": keep.report.kept,
        "dtype": dtype,
        "tokens": {name: side.tokens for name, side in zip(names, sides, strict=True)},
        "report": keep.report.as_dict(),
        "found": str(keep.report),
    }


class _SideWriter:
    def __init__(self, work: Path, side: str, dtype: str, stack: contextlib.ExitStack) -> None:
        self._ids: BinaryIO = stack.enter_context((work / f"{side}.ids").open("wb"))
        self._starts: BinaryIO = stack.enter_context((work / f"{side}.starts").open("wb"))
        self._starts.write(np.zeros(1, "<u8").tobytes())
        self._dtype = dtype
        self.tokens = 0

    def write(self, rows: list[list[int]], sizes: npt.NDArray[np.uint32]) -> bytes:
        flat = np.fromiter(
            (i for row in rows for i in row), dtype=self._dtype, count=int(sizes.sum(dtype=np.int64))
        )
        raw = flat.tobytes()
        self._ids.write(raw)
        self._starts.write((self.tokens + np.cumsum(sizes, dtype="<u8")).astype("<u8").tobytes())
        self.tokens += len(flat)
        return raw


def _chunks(rows: Iterator[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk

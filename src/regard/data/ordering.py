"""Rows in order of length, cut into groups and batches; in memory bounded by the number of lengths."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regard.data.errors import DataError

Ints = npt.NDArray[np.int64]
Table = npt.NDArray[np.integer[Any]]

# A group holds at least this many batches. More mixes batches better and pads more. On Multi30k en-fr (4,096
# tokens) 0 gives 2.8 % padding and 60 % of the rows that shared a batch share one again in the next epoch;
# 1.5 gives 4 % and 40 %; 4 gives 7 % and 20 %.
GROUP_BATCHES = 1.5
# Unless its longest row were more than so many times, and one more, its shortest.
GROUP_STRETCH = 1.1
CHUNK = 1 << 20
HALF = 1 << 31


class Arrangement(NamedTuple):
    """Row numbers in order of length, and where in it each group and each batch starts (the end included)."""

    order: npt.NDArray[np.integer[Any]]
    groups: Ints
    batches: Ints


def arrange(table: Table, tokens: int, specials: int, order: npt.NDArray[Any] | None = None) -> Arrangement:
    """Put rows in order and cut them.

    Args:
        table: lengths [rows, sides].
        tokens: bound on rows x longest side of a batch.
        specials: tokens added to each side.
        order: where the order is written (such as a mapped file) [rows]; None makes an array.
    """
    keys, counts = _histogram(table, specials)
    ends = np.cumsum(counts)
    if order is None:
        order = np.empty(len(table), np.int64)
    _counting_sort(table, specials, keys, ends - counts, order)
    groups, longest = _groups(keys >> 32, ends, tokens)
    return Arrangement(order, groups, _batches(groups, longest, tokens))


def arrange_on_disk(table: Table, tokens: int, specials: int, folder: Path) -> Arrangement:
    """The same in files of a folder, made once and mapped from then on; damaged ones are made anew.

    Several processes may do this at once: each moves whole files into place, and all are equal.

    Raises:
        DataError: the folder cannot be written, or its disk is full.
    """
    stem = f"plan-{tokens}-{table.shape[1]}-{specials}-{len(table)}"
    paths = [folder / f"{stem}-{part}.npy" for part in Arrangement._fields]
    found = _mapped(paths, len(table))
    if found is not None:
        return found
    try:
        with tempfile.TemporaryDirectory(prefix=f".{stem}-", dir=folder) as work:
            drafts = [Path(work) / path.name for path in paths]
            order = _space(drafts[0], len(table))
            arranged = arrange(table, tokens, specials, order)
            order.flush()
            for draft, part in zip(drafts[1:], arranged[1:], strict=True):
                np.save(draft, part)
            for draft, path in zip(drafts, paths, strict=True):
                _sync(draft)
                draft.replace(path)
    except OSError as error:
        raise DataError(
            f"{folder}: the order of the rows could not be written ({error.strerror or error})"
        ) from None
    made = _mapped(paths, len(table))
    assert made is not None  # it has just been written
    return made


def _mapped(paths: list[Path], rows: int) -> Arrangement | None:
    """The files where all are there and fit each other and so many rows."""
    try:
        found = Arrangement(*(np.load(path, mmap_mode="r") for path in paths))
    except (OSError, EOFError, ValueError):
        return None
    whole = all(part.ndim == 1 and part.dtype.kind in "iu" and part.size for part in found)
    fit = whole and len(found.order) == found.groups[-1] == found.batches[-1] == rows
    return found if fit else None


def _space(path: Path, rows: int) -> np.memmap[Any, Any]:
    """A mapped file for row numbers. Its space is taken first.

    A mapped file starts as a hole, and a write to a hole of a full disk kills the process without a word.
    """
    dtype = np.uint32 if rows < 1 << 32 else np.int64
    order = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(rows,))
    with path.open("r+b") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, order.offset + order.nbytes)
        else:
            file.seek(order.offset)
            for first in range(0, rows, CHUNK):
                file.write(bytes(min(CHUNK, rows - first) * order.itemsize))
    return order


def _sync(path: Path) -> None:
    # A name that outlives a power cut must not be that of an empty file.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def by_length(table: Table, specials: int) -> Ints:
    """The order in which `arrange` puts rows, of a table that is small enough to hold, [rows].

    Args:
        table: lengths [rows, sides].
        specials: tokens added to each side.
    """
    return np.argsort(np.concatenate(list(_keys(table, specials))), kind="stable")


def _keys(table: Table, specials: int) -> Iterator[Ints]:
    """A number for each row, chunk after chunk; rows are put in its order."""
    for first in range(0, len(table), CHUNK):
        sides = table[first : first + CHUNK].astype(np.int64) + specials
        longest = sides.max(axis=1)
        unlike = sides[:, 0] - sides[:, -1]
        # Up and down in turn: the last rows of one length are like the first of the next.
        yield (longest << 32) + np.where(longest % 2 == 1, unlike, -unlike) + HALF


def _histogram(table: Table, specials: int) -> tuple[Ints, Ints]:
    keys, counts = np.empty(0, np.int64), np.empty(0, np.int64)
    for chunk in _keys(table, specials):
        more, often = np.unique(chunk, return_counts=True)
        keys, where = np.unique(np.concatenate([keys, more]), return_inverse=True)
        counts = np.bincount(where, weights=np.concatenate([counts, often])).astype(np.int64)
    return keys, counts


def _counting_sort(table: Table, specials: int, keys: Ints, starts: Ints, order: npt.NDArray[Any]) -> None:
    free = starts.copy()
    first = 0
    for chunk in _keys(table, specials):
        rank = np.searchsorted(keys, chunk)
        rows = np.argsort(rank, kind="stable")
        ordered = rank[rows]
        begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        sizes = np.diff(np.r_[begins, len(ordered)])
        within = np.arange(len(ordered)) - np.repeat(begins, sizes)
        order[free[ordered] + within] = first + rows
        free[ordered[begins]] += sizes
        first += len(chunk)


def _groups(longest: Ints, ends: Ints, tokens: int) -> tuple[Ints, Ints]:
    """Neighbouring keys joined until they fill `GROUP_BATCHES`; start of each group, and its longest side."""
    starts, sides = [0], []
    shortest, after = int(longest[0]), [*longest[1:].tolist(), 0]
    for length, end, following in zip(longest.tolist(), ends.tolist(), after, strict=True):
        full = (end - starts[-1]) * length >= GROUP_BATCHES * tokens
        # A small corpus must not pay for mixing with padding.
        if full or not following or following > GROUP_STRETCH * shortest + 1:
            starts.append(end)
            sides.append(length)
            shortest = following
    return np.array(starts, np.int64), np.array(sides, np.int64)


def _batches(groups: Ints, longest: Ints, tokens: int) -> Ints:
    """Start of each batch: as many rows as fit when each is as long as its group's longest."""
    batches, group = [0], 0
    ends, sides = groups[1:].tolist(), longest.tolist()
    while batches[-1] < ends[-1]:
        start = end = batches[-1]
        while group < len(ends):
            most = max(start + tokens // sides[group], start + 1)
            # A longer group that would shrink the batch below what it already has adds nothing.
            end = max(end, min(most, ends[group]))
            if end < ends[group]:
                break
            group += 1
            if group < len(ends) and start + tokens // sides[group] <= end:
                break
        batches.append(end)
    return np.array(batches, np.int64)

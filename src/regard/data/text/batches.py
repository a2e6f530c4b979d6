"""Batches: rows of a corpus, padded to one length, with the masks and targets that a model needs."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regard.data.text.corpus import Flat

PAD, BOS, EOS, CLS, SEP = 0, 2, 3, 4, 5
IGNORE = -100

Rows = Sequence[npt.NDArray[np.integer[Any]] | Sequence[int]]


class _Tensors:
    """What batches share: moving all tensors at once."""

    def to(self, device: torch.device | str) -> Self:
        """The same batch on a device; from pinned memory without waiting."""
        changed = {}
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, field.name)
            changed[field.name] = value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
        return type(self)(**changed)


@dataclass(frozen=True)
class PairBatch(_Tensors):
    """Pairs for an encoder-decoder.

    Attributes:
        source: ids, each row ended by </s>, padded [b, s].
        source_mask: True at real tokens [b, s].
        target_in: what the decoder reads: <s> and the target, padded [b, t].
        target_out: what it shall say: the target and </s>; -100 at padding [b, t].
        tokens: number of targets that count, </s> included.
        filled: real cells of source and target together.
    """

    source: Tensor
    source_mask: Tensor
    target_in: Tensor
    target_out: Tensor
    tokens: int
    filled: int

    @property
    def positions(self) -> int:
        """Padded cells of source and target together; the padding share is 1 - filled / positions."""
        return self.source.numel() + self.target_out.numel()


@dataclass(frozen=True)
class TextBatch(_Tensors):
    """Token blocks for a language model, or labelled texts for a classifier.

    Attributes:
        inputs: ids [b, t].
        mask: True at real tokens [b, t].
        targets: the next token at each place, -100 where none counts [b, t]; or the label of each text [b].
        tokens: number of targets that count.
        filled: real cells.
        documents: the number of each place's document in its row [b, t], where none sees another; else None.
    """

    inputs: Tensor
    mask: Tensor
    targets: Tensor
    tokens: int
    filled: int
    documents: Tensor | None = None

    @property
    def positions(self) -> int:
        """Padded cells; the padding share is 1 - filled / positions."""
        return self.inputs.numel()


def pair_batch(source: Flat, target: Flat) -> PairBatch:
    """Gathered rows of a corpus as a batch; the quick way to `collate_pairs`."""
    ids, mask = _pad(source, after=EOS)
    # One column more than is read or said: the two are this block without its last and its first column.
    block, real = _pad(target, before=BOS, after=EOS)
    said = real[:, 1:]
    out = np.where(said, block[:, 1:], IGNORE)
    read = block[:, :-1] * said  # </s> is said, never read
    tokens = int(said.sum())
    return PairBatch(
        torch.from_numpy(ids),
        torch.from_numpy(mask),
        torch.from_numpy(read),
        torch.from_numpy(out),
        tokens,
        int(mask.sum()) + tokens,
    )


def collate_pairs(sources: Rows, targets: Rows) -> PairBatch:
    """Pad pairs of ids (without special tokens) to a batch.

    Example:
        >>> batch = collate_pairs([[7, 8], [9]], [[6], [6, 7]])
        >>> batch.source.tolist(), batch.target_in.tolist(), batch.target_out.tolist()
        ([[7, 8, 3], [9, 3, 0]], [[2, 6, 0], [2, 6, 7]], [[6, 3, -100], [6, 7, 3]])
    """
    return pair_batch(_flat(sources), _flat(targets))


def collate_sources(sources: Rows) -> tuple[Tensor, Tensor]:
    """Source ids and mask [b, s] as `collate_pairs` makes them; for translating.

    Example:
        >>> collate_sources([[7, 8], []])[0].tolist()
        [[7, 8, 3], [3, 0, 0]]
    """
    ids, mask = _pad(_flat(sources), after=EOS)
    return torch.from_numpy(ids), torch.from_numpy(mask)


def labelled_batch(texts: Flat, labels: Flat) -> TextBatch:
    """Gathered rows of a corpus of labelled texts as a batch; the quick way to `collate_labelled`."""
    ids, mask = _pad(texts, before=CLS, after=SEP)
    return TextBatch(
        torch.from_numpy(ids),
        torch.from_numpy(mask),
        torch.from_numpy(labels[0].astype(np.int64)),
        len(ids),
        int(mask.sum()),
    )


def collate_labelled(texts: Rows, labels: Sequence[int] | npt.NDArray[np.integer[Any]]) -> TextBatch:
    """[CLS] text [SEP], padded, with a label each.

    Example:
        >>> collate_labelled([[7], [8, 9]], [1, 0]).inputs.tolist()
        [[4, 7, 5, 0], [4, 8, 9, 5]]
    """
    return labelled_batch(_flat(texts), _flat([[label] for label in labels]))


def _flat(rows: Rows) -> Flat:
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    if not lengths.sum():
        return np.empty(0, np.int64), lengths
    return np.concatenate([np.asarray(row, np.int64) for row in rows]), lengths


def _pad(
    rows: Flat, *, before: int | None = None, after: int | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Rows between special tokens, padded on the right: ids and mask [rows, longest]."""
    flat, inner = rows
    lead = int(before is not None)
    lengths = inner + lead + (after is not None)
    columns = np.arange(int(lengths.max(initial=1)))
    ids = np.zeros((len(inner), len(columns)), np.int64)
    mask = columns < lengths[:, None]
    ids[(columns >= lead) & (columns < (inner + lead)[:, None])] = flat
    if before is not None:
        ids[:, 0] = before
    if after is not None:
        ids[np.arange(len(ids)), lengths - 1] = after
    return ids, mask

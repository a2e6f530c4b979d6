"""Sentence lengths like those of real corpora, drawn from a fixed seed: no data needed to rerun."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

PAD = 0


@dataclass(frozen=True)
class Pair:
    """One padded batch: source [rows, s], target [rows, t] (begin … end), both int64, 0 = padding."""

    source: Tensor
    target: Tensor

    @property
    def target_tokens(self) -> int:
        return int((self.target[:, 1:] != PAD).sum())


def captions(count: int, seed: int = 0) -> np.ndarray:
    """Like Multi30k after BPE: mean 13, between 4 and 40."""
    return np.random.default_rng(seed).gamma(9.0, 13 / 9.0, count).round().clip(4, 40).astype(int)


def mixed(count: int, seed: int = 0) -> np.ndarray:
    """Like web text: mean about 60, up to 256."""
    return np.random.default_rng(seed).gamma(1.4, 60 / 1.4, count).round().clip(4, 256).astype(int)


def batches(lengths: np.ndarray, tokens: int, vocabulary: int, seed: int = 1) -> list[Pair]:
    """Sorted by length, `rows × longest ≤ tokens`: the batches that every contestant is given."""
    draw = np.random.default_rng(seed)
    target_lengths = (lengths * draw.normal(1.0, 0.1, len(lengths))).round().clip(4, 256).astype(int)
    order = np.lexsort((lengths, np.maximum(lengths, target_lengths)))
    result: list[Pair] = []
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order):
            longest = max(lengths[order[stop]], target_lengths[order[stop]])
            if (stop + 1 - start) * longest > tokens:
                break
            stop += 1
        rows = order[start:stop]
        result.append(
            Pair(
                _fill(lengths[rows], vocabulary, draw),
                _fill(target_lengths[rows] + 1, vocabulary, draw),
            )
        )
        start = stop
    return result


def _fill(lengths: np.ndarray, vocabulary: int, draw: np.random.Generator) -> Tensor:
    cells = draw.integers(6, vocabulary, (len(lengths), int(lengths.max())))
    cells[np.arange(cells.shape[1])[None, :] >= lengths[:, None]] = PAD
    return torch.from_numpy(cells)

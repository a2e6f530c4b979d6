"""Rows of attention in few bytes: the largest weights of each row, in levels, and the sum of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Kept whole, a map's weights are told to 1/65,535 of the row's largest; else to 1/255 of it.
_FINE, _COARSE = 65535, 255
# After packing. Of a row: its scale, rest and count. Of a kept weight: its level and place.
_ROW_BYTES, _WEIGHT_BYTES = 10, 2.2
_FEWEST = 8


class Detail(NamedTuple):
    """How much of each row is kept.

    Attributes:
        largest: how many weights of a row; None keeps all.
        levels: into how many steps the row's largest weight is divided.
    """

    largest: int | None
    levels: int


def detail_for(shapes: Sequence[tuple[int, int, int]], size: int) -> Detail:
    """All of it where that fits, else as many weights of each row as do.

    Args:
        shapes: [heads, queries, keys] of the maps.
        size: bytes that they may take together.

    Example:
        >>> detail_for([(4, 20, 20)], 10**6)
        Detail(largest=None, levels=65535)
        >>> detail_for([(14, 512, 512)] * 12, 9 * 10**6)
        Detail(largest=43, levels=255)
    """
    if sum(2 * heads * queries * keys for heads, queries, keys in shapes) <= size:
        return Detail(None, _FINE)
    rows = sum(heads * queries for heads, queries, _ in shapes)
    return Detail(max(int((size / rows - _ROW_BYTES) / _WEIGHT_BYTES), _FEWEST), _COARSE)


class SparseRows(NamedTuple):
    """Rows [heads, queries] of weights, each with as many as it needs.

    Attributes:
        scales: the largest weight of each row, [heads, queries].
        rest: what is left out of each row, [heads, queries].
        counts: how many weights of each row are kept, [heads, queries].
        steps: for each kept weight, how far its key lies from the one before it (from 0 in the first); empty
            where every weight is kept.
        levels: each kept weight as a part of its row's largest, from 0 to the detail's levels.
    """

    scales: NDArray[np.float32]
    rest: NDArray[np.float32]
    counts: NDArray[np.uint32]
    steps: NDArray[np.uint16] | NDArray[np.uint32]
    levels: NDArray[np.uint8] | NDArray[np.uint16]


def sparse_rows(weights: Tensor, detail: Detail) -> SparseRows:
    """Keeps the largest weights of each row.

    Args:
        weights: [heads, queries, keys], finite and not negative.
        detail: how much is kept.

    Example:
        >>> rows = sparse_rows(torch.tensor([[[0.05, 0.5, 0.1, 0.35]]]), Detail(2, 255))
        >>> rows.steps.tolist(), rows.levels.tolist(), rows.rest.round(3).tolist()
        ([1, 2], [255, 178], [[0.15000000596046448]])
    """
    keys = weights.shape[-1]
    scales = weights.amax(-1)
    whole = detail.largest is None or detail.largest >= keys
    places = (
        torch.arange(keys).expand(weights.shape)
        if whole
        else weights.topk(detail.largest or keys, dim=-1).indices.sort(-1).values
    )
    kept = weights if whole else weights.gather(-1, places)
    part = kept / scales.clamp_min(torch.finfo(weights.dtype).tiny)[..., None]
    levels = (part * detail.levels).round().to(torch.int32)
    # A weight of level 0 says nothing that the rest does not.
    used = torch.ones_like(levels, dtype=torch.bool) if whole else levels > 0
    rest = (weights.double().sum(-1) - (kept * used).double().sum(-1)).clamp_min(0.0)
    return SparseRows(
        scales.numpy().astype("<f4"),
        rest.numpy().astype("<f4"),
        used.sum(-1).numpy().astype("<u4"),
        _steps(places, used).numpy().astype("<u2" if keys <= 1 << 16 else "<u4") if not whole else _nothing(),
        levels[used].numpy().astype("<u1" if detail.levels <= _COARSE else "<u2"),
    )


def _steps(places: Tensor, used: Tensor) -> Tensor:
    """From each kept key to the next one in its row; small numbers pack well."""
    row = torch.arange(used.shape[0] * used.shape[1]).view(*used.shape[:2], 1).expand(used.shape)[used]
    place = places[used]
    before = torch.cat([place.new_zeros(1), place[:-1]]) if len(place) else place
    first = torch.ones_like(row, dtype=torch.bool)
    first[1:] = row[1:] != row[:-1]
    return place - before.masked_fill(first, 0)


def _nothing() -> NDArray[np.uint16]:
    return np.zeros(0, "<u2")

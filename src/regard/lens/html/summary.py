"""What a page holds of a summary: strips of figures, and what some of the positions look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regard.lens.html.record import PageError
from regard.lens.html.stack import group_of, layer_of
from regard.lens.summaries.bins import binned, bins
from regard.lens.summaries.summary import AttentionSummary

_SIDE = 48  # of a thumbnail
_COLUMNS = (2048, 1024, 512, 256, 128)  # of a strip; the page takes the most that there is room for
_MOST = 20  # keys that are named as looked at most
_TOP = 4  # keys of a position
_LEVELS = 65535
# Of a strip's column: three figures of 2 bytes, and received; of a position that is told: its keys.
_COLUMN_BYTES, _TOLD_BYTES = 8, 6 * _TOP


@dataclass(frozen=True)
class SummaryRecord:
    """A summary, in a page.

    Attributes:
        seen: the figures.
        of: which input it is of, in words, where a page has several.

    Raises:
        PageError: figures that are not finite, or of nothing.
    """

    seen: AttentionSummary
    of: str = ""

    def __post_init__(self) -> None:
        for name in ("received", "entropy", "distance", "largest"):
            figures = getattr(self.seen, name)
            if not figures.numel() or not bool(torch.isfinite(figures).all()):
                raise PageError(f"{self.seen.name}: {name} must be finite numbers, and some")

    @property
    def layer(self) -> int | None:
        """The first number in the name."""
        return layer_of(self.seen.name)

    @property
    def group(self) -> str:
        """The name with the layer left open."""
        return group_of(self.seen.name)


def columns_for(summaries: Sequence[AttentionSummary], size: int) -> int:
    """How many columns strips may have, so that all of them take no more than ``size`` bytes, about.

    Example:
        >>> columns_for([], 0)
        2048
    """
    rows = sum(one.heads + 1 for one in summaries)
    fitting = (one for one in _COLUMNS if rows * one * (_COLUMN_BYTES + _TOLD_BYTES) <= size)
    return _COLUMNS[0] if not rows else next(fitting, _COLUMNS[-1])


def strips(seen: AttentionSummary, columns: int) -> dict[str, NDArray[Any]]:
    """The arrays of one place. Of each figure there is a row for every head, then one for their mean.

    Returns:
        ``received``, ``entropy``, ``distance`` and ``largest``, each in levels of its row's largest, which
        ``…_top`` has; ``most_keys`` and ``most_share``; and for the positions ``at``, ``top_keys`` and
        ``top_weights`` (of the mean: what the heads' largest weights add up to).
    """
    share = torch.stack([*(seen.share(head) for head in range(seen.heads)), seen.share()])
    figures = {"received": binned(share, columns, "sum")}
    for name in ("entropy", "distance", "largest"):
        rows: Tensor = getattr(seen, name)
        figures[name] = binned(torch.cat([rows, rows.mean(0, keepdim=True)]), columns, "mean")
    arrays: dict[str, NDArray[Any]] = {}
    for name, values in figures.items():
        top = values.amax(1)
        levels = values / top.clamp_min(torch.finfo(top.dtype).tiny)[:, None] * _LEVELS
        arrays[name] = levels.round().numpy().astype("<u2")
        arrays[f"{name}_top"] = top.numpy().astype("<f4")
    values, keys = share.topk(min(_MOST, share.shape[1]), 1)
    arrays["most_keys"] = keys.numpy().astype("<u4")
    arrays["most_share"] = values.numpy().astype("<f4")
    return arrays | _told(seen, columns)


def _told(seen: AttentionSummary, columns: int) -> dict[str, NDArray[Any]]:
    """What some positions look at: the first of each column."""
    queries = seen.entropy.shape[1]
    at = torch.searchsorted(bins(queries, columns), torch.arange(min(queries, columns)))
    top = min(_TOP, seen.top_keys.shape[2])
    keys, weights = seen.top_keys[:, at], seen.top_weights[:, at]
    mean_keys, mean_weights = _together(keys.long(), weights / seen.heads, top)
    # A row of fewer keys names none: its weight is zero.
    all_keys = torch.cat([keys[..., :top].long(), mean_keys[None]]).clamp_min(0)
    all_weights = torch.cat([weights[..., :top], mean_weights[None]])
    return {
        "at": at.numpy().astype("<u4"),
        "top_keys": all_keys.numpy().astype("<u4"),
        "top_weights": (all_weights * _LEVELS).round().clamp(0, _LEVELS).numpy().astype("<u2"),
    }


def _together(keys: Tensor, weights: Tensor, top: int) -> tuple[Tensor, Tensor]:
    """Weights of the same key added up over heads, the largest of them: [queries, top] each."""
    keys, weights = (one.transpose(0, 1).flatten(1) for one in (keys, weights))
    order = keys.argsort(dim=1, stable=True)
    keys, weights = keys.gather(1, order), weights.gather(1, order)
    # Equal keys stand side by side: each stretch is added up at its first.
    first = torch.ones_like(keys, dtype=torch.bool)
    first[:, 1:] = keys[:, 1:] != keys[:, :-1]
    stretch = first.long().cumsum(1) - 1
    sums = torch.zeros_like(weights).scatter_add_(1, stretch, weights * (keys >= 0))
    names = torch.zeros_like(keys).scatter_(1, stretch, keys)
    values, among = sums.topk(top, 1)
    return names.gather(1, among), values


def summary_thumbnails(seen: AttentionSummary) -> NDArray[np.uint8]:
    """Each head, then all together, as a map of its largest weights, no larger than 48 × 48.

    Returns:
        [heads + 1, rows, columns], from 0 to 255.
    """
    queries, keys = seen.entropy.shape[1], seen.received.shape[1]
    rows, columns = min(queries, _SIDE), min(keys, _SIDE)
    down = bins(queries, _SIDE)[None, :, None].expand(seen.top_keys.shape)
    across = bins(keys, _SIDE)[seen.top_keys.long().clamp_min(0)]
    cells = (down * columns + across).flatten(1)
    heads = torch.zeros(seen.heads, rows * columns)
    heads.scatter_reduce_(1, cells, seen.top_weights.flatten(1), "amax")
    small = torch.cat([heads, heads.mean(0, keepdim=True)])
    part = small / small.amax(1, keepdim=True).clamp_min(torch.finfo(small.dtype).tiny)
    pixels: NDArray[np.uint8] = (255 * part).round().to(torch.uint8).view(-1, rows, columns).numpy()
    return pixels

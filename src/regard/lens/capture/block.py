"""Some rows of weights, and what gives them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from regard.lens.capture.edited import Changes

ON_CPU = 1 << 20
"""Elements of a block on a CPU; measured, see `benchmarks.lens`."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of some heads.

    Attributes:
        heads: which.
        rows: which queries of the call.
        weights: [batch, heads, rows, keys]; keys behind the last that any of the rows sees may be left out.
        context: [batch, heads, rows, value_dim], weights × values.
        empty: [batch, heads or 1, rows], rows that have no weights, which are zero here; None if there are
            none.
        scores: what the weights are the softmax of, of the weights' shape; None of another selection.
    """

    heads: Sequence[int]
    rows: Sequence[int]
    weights: Tensor
    context: Tensor
    empty: Tensor | None = None
    scores: Tensor | None = None


class Recomputed(ABC):
    """A call of attention that can be computed again, block by block, in memory O(rows × keys) or less.

    Attributes:
        query: [batch, heads, queries, dim].
        key: [batch, heads or fewer, keys, dim].
        value: [batch, heads or fewer, keys, value_dim].
        output: the model's own: [batch, heads, queries, value_dim], or what ``finish`` makes of that.
        made: the tensor that the model goes on with, in whatever layout: a backward comes by it.
        drops: whether the model dropped weights, by chance.
        whole: whether ``finish`` needs all heads.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    made: Tensor
    drops: bool
    whole: bool = False

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Batch, heads, queries, keys."""
        batch, heads, queries, _ = self.query.shape
        return batch, heads, queries, self.key.shape[2]

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """What the model computed the scores in."""

    @abstractmethod
    def blocks(self, heads: Sequence[int], rows: Sequence[int]) -> Iterator[Block]:
        """The rows of some heads, each in order, in float32 (float64 stays)."""

    @abstractmethod
    def even(self, changes: Changes) -> Recomputed:
        """The same call, some of its heads with equal weights on all that a query may see."""

    def finish(self, context: Tensor, rows: Sequence[int]) -> Tensor:
        """From contexts to what ``output`` has in these rows."""
        return context

    def to_context(self) -> Callable[[Tensor], Tensor]:
        """From the gradient by ``made`` to that by the contexts, [batch, heads, queries, value_dim].

        What is given holds nothing of the call but what it needs.
        """
        shape = self.output.shape
        return lambda gradient: gradient.reshape(shape)

    @property
    def precision(self) -> torch.dtype:
        """The coarser of the types that the model computed in."""
        return max(self.dtype, self.output.dtype, key=lambda dtype: torch.finfo(dtype).eps)


def take(x: Tensor, dim: int, chosen: Sequence[int]) -> Tensor:
    """Some of a tensor along a dimension, in order: a view where they are neighbours.

    Example:
        >>> take(torch.arange(6), 0, [2, 3, 4]), take(torch.arange(6), 0, [0, 5])
        (tensor([2, 3, 4]), tensor([0, 5]))
    """
    if not chosen:
        return x.narrow(dim, 0, 0)
    if list(chosen) == list(range(chosen[0], chosen[0] + len(chosen))):
        return x.narrow(dim, chosen[0], len(chosen))
    return x.index_select(dim, positions(chosen, x.device))


def positions(rows: Sequence[int], device: torch.device) -> Tensor:
    """Numbers of rows as a tensor."""
    return torch.tensor(rows, dtype=torch.long, device=device)


def chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The items, so many at a time.

    Example:
        >>> list(chunks([3, 4, 7], 2))
        [[3, 4], [7]]
    """
    for first in range(0, len(items), size):
        yield items[first : first + size]

"""Whole rows of weights, put together from blocks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regard.lens.capture.block import Block, take


class Rows:
    """Takes in blocks of the rows that are kept.

    Args:
        shape: batch, heads, queries and keys of the call.
        heads: the heads that are kept, in this order.
        rows: the queries that are kept, in order.
        dtype: of the weights.

    Attributes:
        weights: [batch, heads, rows, keys], on the CPU.

    Example:
        >>> rows = Rows((1, 2, 3, 2), [1], [2], torch.float32)
        >>> found = torch.tensor([[[[1.0, 0.0]], [[0.2, 0.8]]]])
        >>> rows.add(Block([0, 1], [2], found, context=torch.zeros(1, 2, 1, 1)))
        >>> rows.weights
        tensor([[[[0.2000, 0.8000]]]])
    """

    def __init__(
        self, shape: tuple[int, int, int, int], heads: Sequence[int], rows: Sequence[int], dtype: torch.dtype
    ) -> None:
        self._heads = {head: at for at, head in enumerate(heads)}
        self._rows = {row: at for at, row in enumerate(rows)}
        self.weights: Tensor = torch.zeros(shape[0], len(heads), len(rows), shape[3], dtype=dtype)

    def add(self, block: Block) -> None:
        """Takes a block in; heads that are not kept are passed over."""
        found = [at for at, head in enumerate(block.heads) if head in self._heads]
        heads = torch.tensor([self._heads[block.heads[at]] for at in found], dtype=torch.long)
        rows = torch.tensor([self._rows[row] for row in block.rows], dtype=torch.long)
        weights = take(block.weights, 1, found)
        self.weights[:, heads[:, None], rows, : weights.shape[-1]] = weights.to("cpu", self.weights.dtype)

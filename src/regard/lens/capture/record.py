"""What was seen at one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.lens.capture.gradient import Gradient
from regard.lens.capture.summary import Summary
from regard.lens.map import AttentionMap, Axis


@dataclass(frozen=True)
class LayerAttention:
    """What one place of a model attended to in one run: at once, or step by step.

    Attributes:
        name: the place, for instance ``encoder.layer.5.attention.self``.
        heads: which heads, in the order of the weights.
        queries: positions of the queries that were kept, in the order of the weights.
        length: how many queries there were in all.
        keys: how many keys there were at the end.
        error: how far weights × values are from the model's own output, in relation to its largest number;
            None where they cannot be compared, since the model dropped weights by chance (the weights shown
            are those before dropout).

    Example:
        >>> import torch
        >>> from regard.lens import Tokens
        >>> seen = LayerAttention("encoder.0", (0,), (1,), 2, 2, 0.0, torch.tensor([[[[0.5, 0.5]]]]))
        >>> axis = Tokens.of("ab")
        >>> seen.map(axis, axis).query_axis.texts
        ('b',)
    """

    name: str
    heads: tuple[int, ...]
    queries: tuple[int, ...]
    length: int
    keys: int
    error: float | None
    kept: Tensor | Summary = field(repr=False)
    waiting: tuple[Gradient, ...] = field(default=(), repr=False)

    @property
    def weights(self) -> Tensor:
        """[batch, heads, queries, keys] on the CPU, float32 (float64 of a float64 model).

        A key that was not there yet when a query looked has weight zero, and so has all that a query of
        padding was spared.

        Raises:
            ValueError: only a summary was kept.
        """
        if isinstance(self.kept, Summary):
            raise ValueError(f"{self.name}: only a summary was kept; for weights, look with keep='weights'")
        return self.kept

    @property
    def gradient(self) -> Tensor:
        """Of the scalar whose backward ran last, by these weights: of their shape, on the CPU.

        It is the part that comes by the context, which a model reads; in each layer weights count as if they
        were chosen freely. Where a weight is masked the gradient need not be zero: it says what would be.

        Raises:
            ValueError: gradients were not kept.
            NoGradientError: no backward came here, the model ran without gradients, or it dropped weights.
        """
        if not self.waiting:
            raise ValueError(f"{self.name}: gradients were not kept; look with keep='gradients'")
        return along_queries([one.by_weights(self.name) for one in self.waiting], self.keys)

    @property
    def summary(self) -> Summary:
        """The figures.

        Raises:
            ValueError: weights were kept.
        """
        if not isinstance(self.kept, Summary):
            raise ValueError(f"{self.name}: weights were kept; for a summary, look with keep='summary'")
        return self.kept

    def map(self, query_axis: Axis, key_axis: Axis, *, item: int = 0) -> AttentionMap:
        """The attention map of one input of the batch, padding cut off.

        Args:
            query_axis: names of all queries, from position 0.
            key_axis: names of the keys, from position 0; shorter than the captured keys by the padding.
            item: which input of the batch.

        Raises:
            ValueError: an axis is longer than what was captured, or only a summary was kept.
        """
        weights = self.weights
        if len(query_axis) > self.length or len(key_axis) > self.keys:
            raise ValueError(
                f"{self.name}: {self.length} queries and {self.keys} keys were captured; "
                f"axes of {len(query_axis)} and {len(key_axis)} tokens do not fit"
            )
        rows = [row for row, position in enumerate(self.queries) if position < len(query_axis)]
        positions = [self.queries[row] for row in rows]
        if len(positions) < len(query_axis):
            query_axis = query_axis.chosen(positions)
        shown = weights[item][:, rows, : len(key_axis)].float()
        return AttentionMap(self.name, shown, query_axis, key_axis)


def along_queries(pieces: Sequence[Tensor], keys: int) -> Tensor:
    """Rows [batch, heads, rows, keys so far] of steps as one; keys that were not there yet have zero.

    Example:
        >>> along_queries([torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 2)], 2)
        tensor([[[[1., 0.],
                  [1., 1.]]]])
    """
    if len(pieces) == 1:
        return pieces[0]
    return torch.cat([F.pad(piece, (0, keys - piece.shape[-1])) for piece in pieces], 2)

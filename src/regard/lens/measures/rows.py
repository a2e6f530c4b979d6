"""Rows of one place that are measured: all of them, or some of a long text."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from regard.lens.map import AttentionMap, Axis
from regard.lens.names import looks_across


@dataclass(frozen=True)
class Rows:
    """Some rows of attention, and where they stand.

    Attributes:
        name: of the place.
        weights: [heads, rows, keys].
        positions: of the rows, among all queries.
        queries: how many queries there are in all.
        key_axis: what is looked at.

    Raises:
        ValueError: sizes that do not fit.

    Example:
        >>> from regard.lens import Tokens
        >>> Rows("encoder.0.self", torch.eye(3)[None, 1:], (1, 2), 3, Tokens.of("abc")).within
        True
    """

    name: str
    weights: Tensor
    positions: tuple[int, ...]
    queries: int
    key_axis: Axis

    def __post_init__(self) -> None:
        if tuple(self.weights.shape[1:]) != (len(self.positions), len(self.key_axis)):
            raise ValueError(
                f"{self.name}: weights of shape {list(self.weights.shape)} are not of {len(self.positions)} "
                f"rows and {len(self.key_axis)} keys"
            )

    @classmethod
    def of(cls, seen: AttentionMap) -> Rows:
        """All rows of a map."""
        queries = len(seen.query_axis)
        return cls(seen.name, seen.weights, tuple(range(queries)), queries, seen.key_axis)

    @property
    def within(self) -> bool:
        """Whether a text looks at itself: the position of a query is that of the key that stands there."""
        return not looks_across(self.name) and self.queries == len(self.key_axis)

    @property
    def visible(self) -> Tensor:
        """Which keys each row could see, [rows, keys]: those up to it if no row looks further, else all."""
        ahead = torch.arange(len(self.key_axis)) > torch.tensor(self.positions)[:, None]
        causal = self.within and not bool((self.weights * ahead).any())
        return ~ahead if causal else torch.ones_like(ahead)

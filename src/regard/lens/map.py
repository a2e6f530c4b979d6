"""The attention map: the weights of one layer for one input, with names on both axes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from regard.lens.axis import Tokens
from regard.lens.map_faithfulness import MapFaithfulness, Unmeasured, in_json
from regard.lens.patch_grid import PatchGrid

Axis = Tokens | PatchGrid


@dataclass(frozen=True)
class AttentionMap:
    """What each query attended to, in one layer, for one input.

    Attributes:
        name: where in the model, for instance ``decoder.2.cross``.
        weights: [heads, queries, keys], float32 on the CPU. A row of softmax attention sums to one.
        query_axis: who looks, length queries.
        key_axis: what is looked at, length keys.
        faithfulness: whether answers hang on what it says, or why nobody knows. A place that was measured has
            the same figure in all its maps: ``predictor.faithfulness.on(maps)`` puts it there.

    Raises:
        ValueError: the axes and the weights differ in size.

    Example:
        >>> weights = torch.tensor([[[0.9, 0.1]], [[0.5, 0.5]]])
        >>> seen = AttentionMap("decoder.0.cross", weights, Tokens(("chat",)), Tokens(("cat", "sat")))
        >>> seen.mean().tolist()
        [[0.699999988079071, 0.30000001192092896]]
    """

    name: str
    weights: Tensor
    query_axis: Axis
    key_axis: Axis
    faithfulness: MapFaithfulness | Unmeasured = Unmeasured.NOT_YET

    def __post_init__(self) -> None:
        expected = (len(self.query_axis), len(self.key_axis))
        if self.weights.dim() != 3 or tuple(self.weights.shape[1:]) != expected:
            raise ValueError(
                f"{self.name}: weights of shape {list(self.weights.shape)} do not fit the axes, "
                f"which ask for [heads, {expected[0]}, {expected[1]}]"
            )

    @property
    def heads(self) -> int:
        """How many heads were captured."""
        return self.weights.shape[0]

    def mean(self) -> Tensor:
        """The mean over heads, [queries, keys]."""
        return self.weights.mean(0)

    def head(self, head: int) -> AttentionMap:
        """This map with one head only.

        Raises:
            ValueError: there is no such head.
        """
        if not 0 <= head < self.heads:
            raise ValueError(f"{self.name} has heads 0 to {self.heads - 1}; there is no head {head}")
        return replace(self, name=f"{self.name} head {head}", weights=self.weights[head : head + 1])

    def rows(self, positions: Iterable[int]) -> AttentionMap:
        """This map with only the queries at ``positions``."""
        wanted = list(positions)
        return replace(self, weights=self.weights[:, wanted], query_axis=self.query_axis.chosen(wanted))

    def to_json(self) -> dict[str, Any]:
        """Plain lists and strings: ``name``, ``queries``, ``keys`` and ``weights`` [heads][queries][keys].

        Where an axis is a grid of patches, ``query_grid`` or ``key_grid`` says which; where nobody knows how
        faithful the map is, ``faithfulness`` is None and ``unmeasured`` says why.

        Example:
            >>> AttentionMap("e", torch.ones(1, 1, 1), Tokens(("a",)), Tokens(("b",))).to_json()
            {'name': 'e', 'queries': ['a'], 'keys': ['b'], 'weights': [[[1.0]]], 'faithfulness': None, ...}
        """
        return {
            "name": self.name,
            "queries": list(self.query_axis.labels),
            "keys": list(self.key_axis.labels),
            "weights": [
                [[round(weight, 6) for weight in row] for row in head] for head in self.weights.tolist()
            ],
            **{
                name: axis.to_json()
                for name, axis in (("query_grid", self.query_axis), ("key_grid", self.key_axis))
                if isinstance(axis, PatchGrid)
            },
            **in_json(self.faithfulness),
        }


def join_subwords(seen: AttentionMap) -> AttentionMap:
    """The map between whole words.

    What a word receives is the *sum* over its tokens; what a word gives is the *mean* over its tokens.
    So a row that summed to one still does.

    Example:
        >>> weights = torch.tensor([[[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]])
        >>> keys = Tokens(("un", "able", "man"), words=(0, 0, 1))
        >>> joined = join_subwords(AttentionMap("e", weights, Tokens(("in", "apte"), words=(0, 0)), keys))
        >>> joined.query_axis.texts, joined.key_axis.texts
        (('inapte',), ('unable', 'man'))
        >>> joined.weights.round(decimals=3).tolist()
        [[[0.5, 0.5]]]
    """
    if isinstance(seen.query_axis, PatchGrid) and isinstance(seen.key_axis, PatchGrid):
        return seen
    weights = torch.stack([seen.weights[..., group].sum(-1) for group in seen.key_axis.groups()], dim=-1)
    weights = torch.stack([weights[:, group].mean(1) for group in seen.query_axis.groups()], dim=1)
    return replace(
        seen, weights=weights, query_axis=seen.query_axis.joined(), key_axis=seen.key_axis.joined()
    )

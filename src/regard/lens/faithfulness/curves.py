"""Deletion and insertion curves, and what they amount to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from regard.lens.map_faithfulness import Area, MapFaithfulness


@dataclass(frozen=True)
class Curves:
    """How probable an answer stays while its input is taken away, or put in, in one order.

    Attributes:
        deletion: [steps + 1], the probability from the whole input to none of it (Petsiuk et al. 2018, §3.3).
        insertion: [steps + 1], from none of it to the whole.

    Example:
        >>> Curves(torch.tensor([1.0, 0.5, 0.0]), torch.tensor([0.0, 1.0, 1.0])).deletion_area
        0.5
    """

    deletion: Tensor
    insertion: Tensor

    @property
    def deletion_area(self) -> float:
        """Mean height of the deletion curve; the lower, the sooner the answer fell.

        What it lies below the whole input's probability is the comprehensiveness of DeYoung et al. (2020,
        §4.2), averaged over shares.
        """
        return _mean_height(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Mean height of the insertion curve; the higher, the sooner the answer came back.

        What it lies below the whole input's probability is the sufficiency of DeYoung et al. (2020, §4.2),
        averaged over shares; of that, less is better.
        """
        return _mean_height(self.insertion)


@dataclass(frozen=True)
class Faithfulness:
    """How the curves of some methods lie beside those of orders drawn by chance.

    Attributes:
        methods: the curves of each, by name.
        random: those of each order drawn by chance.
        inputs: over how many inputs they are means.

    Example:
        >>> quick = Curves(torch.tensor([0.8, 0.2, 0.2]), torch.tensor([0.2, 0.8, 0.8]))
        >>> slow = Curves(torch.tensor([0.8, 0.5, 0.2]), torch.tensor([0.2, 0.5, 0.8]))
        >>> Faithfulness({"relevance": quick}, (slow, slow)).of("relevance").sentence
        'deleting as it says leaves 35.0 % of the answer, at random 50.0 ± 0.0 %; inserting as it says ...'
    """

    methods: Mapping[str, Curves]
    random: tuple[Curves, ...]
    inputs: int = 1

    @property
    def shares(self) -> Tensor:
        """[steps + 1], how much of the input is taken away, or put in, at each step."""
        return torch.linspace(0, 1, len(self.random[0].deletion))

    @property
    def chance(self) -> Curves:
        """The mean of the orders drawn by chance."""
        return _mean(self.random)

    def spread(self, kind: str) -> float:
        """Standard deviation of an area over the orders drawn by chance.

        Args:
            kind: *deletion* or *insertion*.
        """
        areas = torch.tensor([getattr(curves, f"{kind}_area") for curves in self.random])
        return float(areas.std()) if len(areas) > 1 else 0.0

    def of(self, method: str, data: str = "") -> MapFaithfulness:
        """What a map of this method carries: the areas alone.

        Args:
            method: one of these.
            data: see `MapFaithfulness`.
        """
        mine, chance = self.methods[method], self.chance
        return MapFaithfulness(
            Area(mine.deletion_area, chance.deletion_area, self.spread("deletion")),
            Area(mine.insertion_area, chance.insertion_area, self.spread("insertion")),
            self.inputs,
            data,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain numbers: areas and curves of each method, and of chance with its spread."""
        return {
            "inputs": self.inputs,
            "shares": _rounded(self.shares),
            "methods": {name: _as_json(curves) for name, curves in self.methods.items()},
            "random": {
                "orders": len(self.random),
                **_as_json(self.chance),
                "deletion_spread": round(self.spread("deletion"), 6),
                "insertion_spread": round(self.spread("insertion"), 6),
            },
        }


def mean_of(found: Sequence[Faithfulness]) -> Faithfulness:
    """The mean over inputs, each counting once; curves of fewer steps are drawn out.

    Raises:
        ValueError: there are none, or not of the same methods and as many orders.
    """
    if not found:
        raise ValueError("a mean takes one input at least")
    names = list(found[0].methods)
    orders = len(found[0].random)
    if any(list(one.methods) != names or len(one.random) != orders for one in found):
        raise ValueError("inputs were measured by several methods or numbers of orders: there is no mean")
    steps = max(len(one.shares) for one in found)
    return Faithfulness(
        {name: _mean([_drawn_out(one.methods[name], steps) for one in found]) for name in names},
        tuple(_mean([_drawn_out(one.random[order], steps) for one in found]) for order in range(orders)),
        sum(one.inputs for one in found),
    )


def _mean_height(curve: Tensor) -> float:
    return float(((curve[1:] + curve[:-1]) / 2).mean())


def _mean(curves: Sequence[Curves]) -> Curves:
    return Curves(
        torch.stack([one.deletion for one in curves]).mean(0),
        torch.stack([one.insertion for one in curves]).mean(0),
    )


def _drawn_out(curves: Curves, steps: int) -> Curves:
    """The same curves, in straight lines between their points, at more of them."""

    def drawn(curve: Tensor) -> Tensor:
        longer = torch.nn.functional.interpolate(curve[None, None], steps, mode="linear", align_corners=True)
        return longer[0, 0]

    return (
        curves if len(curves.deletion) == steps else Curves(drawn(curves.deletion), drawn(curves.insertion))
    )


def _as_json(curves: Curves) -> dict[str, Any]:
    return {
        "deletion_area": round(curves.deletion_area, 6),
        "insertion_area": round(curves.insertion_area, 6),
        "deletion": _rounded(curves.deletion),
        "insertion": _rounded(curves.insertion),
    }


def _rounded(values: Tensor) -> list[float]:
    return [round(value, 6) for value in values.tolist()]

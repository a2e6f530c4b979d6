"""How faithful a map is: the figure that it carries, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Self

from regard.counted import counted


class Area(NamedTuple):
    """The mean height of a deletion or an insertion curve, beside chance.

    Attributes:
        own: in the order of the map.
        random: in orders drawn by chance, the mean of these.
        spread: the standard deviation over these.
    """

    own: float
    random: float
    spread: float

    def said(self, digits: int = 1) -> str:
        """In per cent.

        Example:
            >>> Area(0.35, 0.5, 0.004).said()
            '35.0 % of the answer, at random 50.0 ± 0.4 %'
        """
        own, random, spread = (f"{100 * value:.{digits}f}" for value in self)
        return f"{own} % of the answer, at random {random} ± {spread} %"


@dataclass(frozen=True)
class MapFaithfulness:
    """Whether answers hang on what a map says: two areas beside chance; see `regard.lens.faithfulness`.

    Attributes:
        deletion: how probable the answer stays while the input is taken away; less is better.
        insertion: how probable it is while the input is put in; more is better.
        inputs: over how many inputs these are means.
        data: which inputs, in words, where the figure is of a place over those, and not of the map that
            carries it; else empty.

    Example:
        >>> found = MapFaithfulness(Area(0.2, 0.3, 0.01), Area(0.4, 0.3, 0.01), 32, "tatoeba-en-fr test")
        >>> found.told
        'faithfulness of the mean of its heads, over 32 inputs (tatoeba-en-fr test) and not of this one: ...'
    """

    deletion: Area
    insertion: Area
    inputs: int = 1
    data: str = ""

    @property
    def sentence(self) -> str:
        """Mean probability of the answer along both curves, and by chance."""
        return (
            f"deleting as it says leaves {self.deletion.said()}; "
            f"inserting as it says brings {self.insertion.said()}"
        )

    @property
    def told(self) -> str:
        """What stands below a map in the terminal."""
        if not self.data:
            return f"faithfulness: {self.sentence}"
        over = f"over {counted(self.inputs, 'input')} ({self.data}) and not of this one"
        return f"faithfulness of the mean of its heads, {over}: {self.sentence}"

    @property
    def caption(self) -> str:
        """The same in lines as short as they stand below a name in a picture."""
        of = f", mean of {counted(self.inputs, 'input')}" if self.data else " of this map"
        lines = [
            f"{kind} {100 * area.own:.0f} % (random {100 * area.random:.0f} ± {100 * area.spread:.0f})"
            for kind, area in (("deletion", self.deletion), ("insertion", self.insertion))
        ]
        return "\n".join([f"faithfulness{of}", *lines])

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "deletion": _rounded(self.deletion),
            "insertion": _rounded(self.insertion),
            "inputs": self.inputs,
            "data": self.data,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """From what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: it did not give this.
        """
        deletion, insertion = (
            Area(*(float(record[kind][name]) for name in Area._fields)) for kind in ("deletion", "insertion")
        )
        return cls(deletion, insertion, int(record["inputs"]), str(record["data"]))


class Unmeasured(Enum):
    """Why a map has no figure of how faithful it is; each value says it in words."""

    NOT_YET = "not measured"
    NO_ANSWERS = "its rows are no answers"
    NOTHING_TO_TAKE = "there is nothing that could be taken away"

    @property
    def told(self) -> str:
        """See `MapFaithfulness`.

        Example:
            >>> Unmeasured.NO_ANSWERS.told
            'faithfulness: not measurable, its rows are no answers'
        """
        return f"faithfulness: {'' if self is Unmeasured.NOT_YET else 'not measurable, '}{self.value}"

    @property
    def caption(self) -> str:
        """See `MapFaithfulness`."""
        return f"faithfulness: {self.value}"


def in_json(found: MapFaithfulness | Unmeasured) -> dict[str, Any]:
    """``faithfulness``, and where there is none ``unmeasured``: why.

    Example:
        >>> in_json(Unmeasured.NO_ANSWERS)
        {'faithfulness': None, 'unmeasured': 'its rows are no answers'}
    """
    if isinstance(found, Unmeasured):
        return {"faithfulness": None, "unmeasured": found.value}
    return {"faithfulness": found.to_json()}


def _rounded(area: Area) -> dict[str, float]:
    return {name: round(value, 6) for name, value in area._asdict().items()}

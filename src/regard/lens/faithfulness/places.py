"""What is known of how faithful the places of a model are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from regard.lens.map import AttentionMap
from regard.lens.map_faithfulness import MapFaithfulness, Unmeasured


@dataclass(frozen=True)
class PlaceFigures:
    """How faithful the maps of each place are on average, the mean of its heads.

    Attributes:
        figures: of each place that was measured, by name.
        unanswering: places whose rows are no answers of the model, such as words that an encoder read.

    Example:
        >>> from regard.lens.map_faithfulness import Area
        >>> found = MapFaithfulness(Area(0.2, 0.3, 0.0), Area(0.4, 0.3, 0.0), 32, "some texts")
        >>> known = PlaceFigures({"decoder.0.cross": found}, {"encoder.0.self"})
        >>> known.of("encoder.0.self"), known.of("decoder.1.cross")
        (<Unmeasured.NO_ANSWERS: 'its rows are no answers'>, <Unmeasured.NOT_YET: 'not measured'>)
        >>> PlaceFigures.from_json(known.to_json()).of("decoder.0.cross") == found
        True
    """

    figures: Mapping[str, MapFaithfulness] = field(default_factory=dict)
    unanswering: Collection[str] = ()

    def of(self, place: str) -> MapFaithfulness | Unmeasured:
        """Its figure, or why it has none."""
        if place in self.unanswering:
            return Unmeasured.NO_ANSWERS
        return self.figures.get(place, Unmeasured.NOT_YET)

    def on(self, maps: Iterable[AttentionMap]) -> list[AttentionMap]:
        """The maps, each with what is known of its place; one of a single head has that of the place too."""
        return [replace(seen, faithfulness=self.of(seen.name.partition(" head ")[0])) for seen in maps]

    def to_json(self) -> dict[str, Any]:
        """The figures, as a model's metrics.json holds them."""
        return {place: found.to_json() for place, found in self.figures.items()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any], unanswering: Collection[str] = ()) -> Self:
        """From what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it did not give this.
        """
        figures = {place: MapFaithfulness.from_json(found) for place, found in record.items()}
        return cls(figures, unanswering)

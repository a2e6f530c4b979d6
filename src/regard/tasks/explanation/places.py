"""Places whose rows are answers: which they are, and how faithful they were found to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from regard.lens import attention_places, choose_places
from regard.lens.faithfulness import PlaceFigures
from regard.tasks.explanation.answer import sides_of
from regard.tasks.layout import METRICS, ModelFolderError

if TYPE_CHECKING:
    from regard.tasks.folder import ModelFolder
    from regard.tasks.predictor import Predictor

TASKS = ("translation", "language-modelling", "text-classification", "image-classification")
"""The tasks whose answers can be asked for again."""
_STORED = "faithfulness"


def answering(task: str, places: Sequence[str]) -> list[str]:
    """The places whose rows are answers, or what one answer is read from.

    Args:
        task: of the model.
        places: all that it has.

    Example:
        >>> answering("translation", ["encoder.0.self", "decoder.0.self", "decoder.0.cross"])
        ['decoder.0.self', 'decoder.0.cross']
        >>> answering("text-classification", ["encoder.0.self"])
        ['encoder.0.self']
        >>> answering("segmentation", ["decoder.0.gate"])
        []
    """
    sides = sides_of(places)
    # Where a translator's decoder looks at nothing, what is left is its encoder's.
    if task not in TASKS or (task == "translation" and ("target", "source") not in sides.values()):
        return []
    return [place for place, (looks, _) in sides.items() if looks == "target"]


def comparable(places: Sequence[str], at: Sequence[str]) -> list[str]:
    """The places that match, of those that say of each answer what it comes from.

    Args:
        places: all that the model has.
        at: patterns, such as ``decoder.*.cross``.

    Raises:
        ValueError: a pattern matches none, or all that match are other places.

    Example:
        >>> comparable(["encoder.0.self", "decoder.0.self", "decoder.0.cross"], ["decoder.*", "*"])
        ['decoder.0.cross']
    """
    sides = sides_of(places)
    # What is taken away: the source, where anything looks at one.
    side = "source" if ("target", "source") in sides.values() else "target"
    chosen = choose_places(places, at)
    found = [place for place in chosen if sides[place] == ("target", side)]
    if chosen and not found:
        theirs = [place for place in places if sides[place] == ("target", side)]
        others = [place for place in chosen if sides[place][0] == "target"]
        raise ValueError(
            f"{', '.join(others)}: what had been written is not the source, which is taken away; compare "
            f"{', '.join(theirs)}"
            if others
            else f"{', '.join(chosen)}: the rows are no answers of the model; compare {', '.join(theirs)}"
        )
    return found


def record_of(figures: PlaceFigures) -> dict[str, Any]:
    """As a model's metrics.json holds them."""
    return {_STORED: figures.to_json()}


def known_places(predictor: Predictor[Any], folder: ModelFolder) -> PlaceFigures:
    """What a model folder holds of how faithful the places of its model are.

    Raises:
        ModelFolderError: it holds something else under that name.
    """
    places = list(attention_places(predictor.model))
    unanswering = frozenset(places) - frozenset(answering(predictor.task, places))
    try:
        return PlaceFigures.from_json(folder.metrics.get(_STORED, {}), unanswering)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelFolderError(
            f"{folder.path / METRICS}: {_STORED!r} are no figures of places; copy the model again"
        ) from None

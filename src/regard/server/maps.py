"""Attention maps that a client asks for, by patterns of their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor

from regard.lens import AttentionMap, PatchGrid, attention_places
from regard.lens.faithfulness import PlaceFigures
from regard.lens.html import Record
from regard.lens.names import choose_places
from regard.server.errors import Refused
from regard.tasks.explanation import explain

At = Annotated[
    str | None,
    Field(
        max_length=100,
        description="Also send what was attended to, at the places that match: `*` for all, or a pattern "
        "such as `decoder.*.cross`.",
    ),
]

# Flow is left out: it takes seconds.
Method = Literal["attention", "rollout", "gradient", "relevance"]
How = Annotated[
    Method,
    Field(
        description="What the maps say: `attention`, by place; or what the answer comes from, in all layers "
        "(`rollout`, `relevance`) or in the last (`gradient`)."
    ),
]


def chosen_maps(maps: Mapping[str, AttentionMap], at: str, known: PlaceFigures) -> list[AttentionMap]:
    """The maps at places that match.

    Args:
        maps: of a result.
        at: a pattern of places.
        known: of how faithful they are, which each then carries.

    Raises:
        Refused: none does.
    """
    try:
        return known.on(maps[name] for name in choose_places(maps, at))
    except ValueError as error:
        raise Refused(422, "no_such_place", str(error)) from None


def maps_of(result: Any, at: str, method: Method, known: PlaceFigures) -> list[AttentionMap]:
    """What a result looked at, or what it comes from.

    Args:
        result: of a predictor.
        at: a pattern of places, for attention; other methods have maps of the whole model.
        method: see `regard.tasks.explanation.explain`.
        known: see `chosen_maps`.

    Raises:
        Refused: no such place, or a method that this model has not.
    """
    if method == "attention":
        return chosen_maps(result.attention, at, known)
    try:
        return list(explain(result, method).maps.values())
    except ValueError as error:
        raise Refused(422, "no_such_method", str(error)) from None


def as_json(maps: Sequence[AttentionMap]) -> list[dict[str, Any]]:
    """Plain values, as `AttentionMap.to_json` has them."""
    return [seen.to_json() for seen in maps]


def effort(method: Method) -> int:
    """How many times the work of plain maps a method takes, about: some run the model for every word."""
    return 8 if method in ("gradient", "relevance") else 1


def check_token_maps(predictor: Any, lengths: Sequence[int], most: int, method: Method = "attention") -> None:
    """Makes sure, before maps of a text are made, that they are not too large.

    Args:
        predictor: of a text task.
        lengths: of each sentence, in tokens: the longer of what was read and written.
        most: numbers in all maps.
        method: that makes them; what takes longer is asked of shorter texts.

    Raises:
        Refused: they are.
    """
    places = len(attention_places(predictor.model)) * predictor.recipe.model.heads
    _check(places * sum(length * length for length in lengths), most // effort(method))


def check_grid_maps(places: int, positions: int, most: int) -> None:
    """The same for a network that looks from every position of a grid at all.

    Raises:
        Refused: the maps are too large.

    Example:
        >>> check_grid_maps(2, 10_000, 4_000_000)
        Traceback (most recent call last):
        ...
        regard.server.errors.Refused: attention maps of 200,000,000 numbers are too large ...
    """
    _check(places * positions * positions, most)


def of_sentences(maps: Sequence[Sequence[AttentionMap]]) -> list[AttentionMap]:
    """Maps of several sentences, each under a name of its own."""
    if len(maps) == 1:
        return list(maps[0])
    return [
        replace(seen, name=f"sentence {number} · {seen.name}")
        for number, sentence in enumerate(maps, 1)
        for seen in sentence
    ]


def over_picture(maps: Sequence[AttentionMap], image: Tensor) -> list[Record]:
    """Maps with the picture that their keys lie over.

    Args:
        maps: of a picture.
        image: what the network read, [channels, height, width] in [0, 1].
    """
    image = image.float().cpu()
    return [Record(seen, image=image if isinstance(seen.key_axis, PatchGrid) else None) for seen in maps]


def _check(numbers: int, most: int) -> None:
    if numbers > most:
        raise Refused(
            413,
            "maps_too_large",
            f"attention maps of {numbers:,} numbers are too large to be sent ({most:,} are sent at most); "
            "look at less at once",
        )

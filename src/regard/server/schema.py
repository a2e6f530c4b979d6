"""What the schemas of all requests and answers share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from regard.server.errors import ErrorAnswer, Refused
from regard.server.limits import Limits

Options = tuple[tuple[str, Any], ...]

Probabilities = Annotated[
    dict[str, float], Field(description="Of every class, the most probable first, to four decimals.")
]
Maps = Annotated[
    list[dict[str, Any]] | None,
    Field(
        description="Attention maps: `name`, `queries`, `keys`, and `weights` [heads][queries][keys]; of "
        "patches also `query_grid` and `key_grid`. `faithfulness`: of the place, the mean of its heads, over "
        "`inputs` of `data`, the areas below the deletion and the insertion curve (`own`), and of orders "
        "drawn by chance (`random`, `spread`); or null, and `unmeasured` says why."
    ),
]
Png = Annotated[str, Field(description="A PNG file in base64.")]
ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "No such model, or one for another task."},
    408: {"model": ErrorAnswer, "description": "The request arrived too slowly."},
    413: {"model": ErrorAnswer, "description": "More than is answered at once."},
    415: {"model": ErrorAnswer, "description": "Not JSON, or no picture."},
    422: {"model": ErrorAnswer, "description": "A value that cannot be."},
    429: {"model": ErrorAnswer, "description": "Too many requests wait for this model."},
    503: {"model": ErrorAnswer, "description": "No answer in time, too busy, or shutting down."},
}


class Asked(BaseModel):
    """A request in JSON: nothing that is unknown, nothing that is of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def options_of(given: Mapping[str, Any]) -> Options:
    """What was asked for, in an order of its own, so that equal options are equal.

    Example:
        >>> options_of({"n_best": 2, "beam": 4, "seed": None})
        (('beam', 4), ('n_best', 2))
    """
    return tuple(sorted((name, value) for name, value in given.items() if value is not None))


def check_text(text: str, most: int) -> None:
    """Makes sure that a text is not too long.

    Raises:
        Refused: it is.
    """
    if len(text) > most:
        raise Refused(
            413, "text_too_long", f"the text has {len(text):,} characters; at most {most:,} are taken"
        )


def check_hypotheses(limits: Limits, **counts: int | None) -> None:
    """Makes sure that no more is searched than the server allows.

    Raises:
        Refused: it would be.
    """
    for name, count in counts.items():
        if count is not None and count > limits.beam:
            raise Refused(413, "too_many", f"{name} is {count}; at most {limits.beam} are searched here")

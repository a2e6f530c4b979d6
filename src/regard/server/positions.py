"""What a model knows of where a word or a patch stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response
from torch import Tensor

from regard.lens import position_encoding
from regard.lens.patch_positions import position_likeness
from regard.server.answers import Answer, json_answer
from regard.server.batching import Check, Work
from regard.server.errors import Refused
from regard.server.schema import ERRORS
from regard.server.served import Models

_MOST_POSITIONS, _MOST_COLUMNS = 500, 1024
_MOST_PATCHES = 400


class Positions(BaseModel):
    """Positions as a table."""

    kind: Annotated[
        Literal["encoding", "likeness"],
        Field(
            description="Of words, the encoding itself; of patches, how like each place is to every other."
        ),
    ]
    columns: Annotated[str | None, Field(description="What the columns of an encoding are.")] = None
    grid: Annotated[list[int] | None, Field(description="Rows and columns of patches.")] = None
    values: Annotated[
        list[list[float]], Field(description="A row for each position; of patches, cosines with all others.")
    ]


@dataclass(frozen=True)
class PositionsOf(Work[int, Answer]):
    """The positions of a model."""

    def answers(self, predictor: Any, given: Sequence[int], check: Check) -> list[Answer]:
        """One for each length."""
        return [json_answer(positions(predictor.model, length)) for length in given]


def positions(model: Any, length: int) -> Positions:
    """What is told of a model's positions.

    Raises:
        Refused: it has none, or too many.
    """
    likeness = position_likeness(model)
    if likeness is not None:
        rows, columns = likeness.shape[:2]
        if rows * columns > _MOST_PATCHES:
            raise Refused(413, "too_many", f"{rows * columns} patches; {_MOST_PATCHES} are shown at most")
        flat = likeness.reshape(rows * columns, rows * columns)
        return Positions(kind="likeness", grid=[rows, columns], values=_rounded(flat))
    found = position_encoding(model, length)
    if found is None:
        raise Refused(404, "no_positions", "this model has no positional encoding")
    encoding, columns_are = found
    return Positions(kind="encoding", columns=columns_are, values=_rounded(encoding[:, :_MOST_COLUMNS]))


def routes(models: Models) -> APIRouter:
    """Of positional encodings."""
    router = APIRouter(prefix="/api/models/{model}", tags=["models"], responses=ERRORS)

    @router.get("/positions", response_model=Positions)
    async def of_model(
        model: str,
        length: Annotated[int, Query(ge=2, le=_MOST_POSITIONS, description="Positions of a text.")] = 64,
    ) -> Response:
        """The positional encoding, as numbers to be drawn."""
        return (await models[model].worker.ask(PositionsOf(), length)).response()

    return router


def _rounded(table: Tensor) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in table.detach().float().cpu().tolist()]

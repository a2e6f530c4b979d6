"""How a model's training went."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from regard.server.errors import Refused
from regard.server.schema import ERRORS
from regard.server.served import Models
from regard.training.curves import Curves

_MOST = 400  # points of a line: no screen shows more


class Line(BaseModel):
    """One figure, as it went on."""

    name: str
    source: Annotated[str, Field(description="`training` or `validation`.")]
    updates: list[int]
    values: list[float]


def routes(models: Models) -> APIRouter:
    """Of learning curves."""
    router = APIRouter(prefix="/api/models/{model}", tags=["models"], responses={404: ERRORS[404]})

    @router.get("/curves")
    async def curves(model: str) -> list[Line]:
        """Loss and other figures by update, where the model's folder still has the log of its training."""
        found = lines(models[model].curves)
        if not found:
            raise Refused(404, "no_curves", f"{model}: its folder has no log of its training")
        return found

    return router


def lines(curves: Curves) -> list[Line]:
    """Every line, of no more points than can be seen.

    Example:
        >>> (line,) = lines({"loss": {"training": (list(range(1000)), [1.0] * 1000)}})
        >>> len(line.updates), line.updates[-1]
        (334, 999)
    """
    found = []
    for name, sources in curves.items():
        for source, (updates, values) in sources.items():
            every = -(-len(updates) // _MOST)
            # Counted from the end, so that the last point stays.
            kept = range((len(updates) - 1) % every, len(updates), every)
            found.append(
                Line(
                    name=name,
                    source=source,
                    updates=[updates[at] for at in kept],
                    values=[values[at] for at in kept],
                )
            )
    return found

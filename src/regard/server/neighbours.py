"""Words that a model of texts holds to be alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from regard.server.answers import Answer, json_answer
from regard.server.batching import Check, Work
from regard.server.errors import Refused
from regard.server.schema import ERRORS
from regard.server.served import Models
from regard.tasks.text.neighbours import near_tokens
from regard.tasks.text.predictor import TextPredictor


class NearToken(BaseModel):
    """A token, and how near it is."""

    token: str
    cosine: Annotated[float, Field(description="Of the angle between the two embeddings.")]


class Near(BaseModel):
    """What lies near a word."""

    tokens: Annotated[list[str], Field(description="The word's own; of several, their mean is what is near.")]
    neighbours: list[NearToken]


@dataclass(frozen=True)
class Neighbours(Work[str, Answer]):
    """The neighbours of words.

    Attributes:
        side: of the vocabularies.
        count: how many.
    """

    side: str
    count: int

    def answers(self, predictor: Any, given: Sequence[str], check: Check) -> list[Answer]:
        """One for each word."""
        if not isinstance(predictor, TextPredictor):
            raise Refused(404, "another_task", "a model of pictures has no words")
        return [self._answer(predictor, word) for word in given]

    def _answer(self, predictor: TextPredictor[Any], word: str) -> Answer:
        found = near_tokens(predictor, word, self.side, self.count)
        near = [NearToken(token=token, cosine=round(cosine, 4)) for token, cosine in found.tokens]
        return json_answer(Near(tokens=list(found.spelt), neighbours=near))


def routes(models: Models) -> APIRouter:
    """Of embeddings."""
    router = APIRouter(prefix="/api/models/{model}", tags=["models"], responses=ERRORS)

    @router.get("/neighbours", response_model=Near)
    async def neighbours(
        model: str,
        word: Annotated[str, Query(max_length=100, description="Of the model's vocabulary.")],
        side: Annotated[Literal["source", "target"], Query(description="Which vocabulary.")] = "source",
        count: Annotated[int, Query(ge=1, le=50)] = 10,
    ) -> Response:
        """The tokens whose embeddings are nearest to a word's."""
        return (await models[model].worker.ask(Neighbours(side, count), word)).response()

    return router

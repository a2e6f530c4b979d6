"""Classes of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from regard.server.answers import Answer, json_answer, page_answer
from regard.server.batching import Check, Work
from regard.server.limits import Limits
from regard.server.maps import At, as_json, check_token_maps, chosen_maps
from regard.server.rounding import PROBABILITY, PROBABILITY_NOISE, answered_alike
from regard.server.schema import ERRORS, Asked, Maps, Probabilities, check_text
from regard.server.served import Models
from regard.server.translate import html
from regard.tasks.text.classifier import Classification, Classifier


class ClassifyAsked(Asked):
    """What to classify."""

    text: str
    attention: At = None


class ClassifiedText(BaseModel):
    """The class of a text."""

    label: str
    probabilities: Probabilities
    tokens: list[str]
    attention: Maps = None


@dataclass(frozen=True)
class ClassifyText(Work[str, Answer]):
    """Texts by class, as JSON or as a page of attention maps.

    Attributes:
        at: which maps to send.
        page: as a page.
        limits: `weights` and `characters`.
    """

    at: str | None
    page: bool
    limits: Limits

    def size(self, given: str) -> float:
        """A batch has no more letters than one text may have."""
        return len(given) / self.limits.characters

    def answers(self, predictor: Classifier, given: Sequence[str], check: Check) -> list[Answer]:
        """One for each text."""
        results = answered_alike(
            lambda texts: predictor(list(texts)),
            given,
            lambda result: result.probabilities.values(),
            PROBABILITY,
            PROBABILITY_NOISE,
        )
        return [self._answer(predictor, result) for result in results]

    def _answer(self, classifier: Classifier, result: Classification) -> Answer:
        maps = None
        if self.at is not None:
            check_token_maps(classifier, [len(result.tokens)], self.limits.weights)
            maps = chosen_maps(result.attention, self.at, classifier.faithfulness)
        ranked = rounded(result.probabilities, classifier.classes)
        label = next(iter(ranked))
        if self.page and maps is not None:
            return page_answer(maps, label)
        return json_answer(
            ClassifiedText(
                label=label,
                probabilities=ranked,
                tokens=list(result.tokens),
                attention=None if maps is None else as_json(maps),
            )
        )


def rounded(probabilities: Mapping[str, float], classes: Sequence[str]) -> dict[str, float]:
    """Probabilities as they are told: the most probable first, of equal ones the class that comes first.

    Example:
        >>> rounded({"b": 0.500001, "a": 0.499999}, ["a", "b"])
        {'a': 0.5, 'b': 0.5}
    """
    told = {name: round(probabilities[name], PROBABILITY) for name in classes}
    return dict(sorted(told.items(), key=lambda pair: -pair[1]))


def routes(models: Models, limits: Limits) -> APIRouter:
    """Of models that classify texts."""
    router = APIRouter(prefix="/api/models/{model}", tags=["text classification"], responses=ERRORS)

    async def answer(model: str, asked: ClassifyAsked, *, page: bool) -> Response:
        served = models.of(model, "text-classification")
        check_text(asked.text, limits.characters)
        work = ClassifyText(asked.attention or ("*" if page else None), page, limits)
        return (await served.worker.ask(work, asked.text)).response()

    @router.post("/classify-text", response_model=ClassifiedText)
    async def classify_text(model: str, asked: ClassifyAsked) -> Response:
        """The class of a text. Of a text longer than the model reads, the beginning decides."""
        return await answer(model, asked, page=False)

    @router.post("/classify-text/page", response_class=Response, responses=html("What each token looked at."))
    async def classify_text_page(model: str, asked: ClassifyAsked) -> Response:
        """What was attended to, as one HTML file that needs nothing else."""
        return await answer(model, asked, page=True)

    return router

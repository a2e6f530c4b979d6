"""Translation: a text at once, with its attention, or a long one sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from regard.lens import join_subwords
from regard.server.answers import Answer, json_answer, page_answer
from regard.server.batching import Check, Work
from regard.server.edits import AskedEdits, FrozenEdits, edited, frozen
from regard.server.limits import Limits
from regard.server.maps import At, How, Method, as_json, check_token_maps, effort, maps_of, of_sentences
from regard.server.rounding import SCORE, SCORE_NOISE, answered_alike
from regard.server.schema import ERRORS, Asked, Maps, Options, check_hypotheses, check_text, options_of
from regard.server.served import Models, Served
from regard.tasks.text.options import decoding_options
from regard.tasks.text.translator import Draft, Translation, Translator


class Decoding(Asked):
    """How a translation is searched for; what is left out is as the model's recipe has it."""

    beam: Annotated[int, Field(ge=1, description="Hypotheses kept alive; 1 is greedy.")] | None = None
    n_best: Annotated[int, Field(ge=1, description="Translations to send.")] = 1
    length_penalty: Annotated[float, Field(ge=0, le=5)] | None = None
    no_repeat_ngram: Annotated[int, Field(ge=0, le=20)] | None = None
    edit: AskedEdits = None

    def options(self, served: Served, limits: Limits) -> Options:
        """What is asked of the translator.

        Raises:
            Refused, regard.errors.UserError: more than is searched here, or what cannot be.
        """
        check_hypotheses(limits, beam=self.beam, n_best=self.n_best)
        names = Decoding.model_fields.keys() - {"edit"}
        found = {**self.model_dump(include=names), "batch_invariant": True}
        given = options_of(found)
        decoding_options(served.predictor.recipe.decoding, dict(given))  # type: ignore[attr-defined]
        return given


class TranslateAsked(Decoding):
    """What to translate."""

    text: Annotated[str, Field(description="Several sentences are translated one by one and joined.")]
    attention: At = None
    words: Annotated[bool, Field(description="Maps between whole words; else between tokens.")] = False
    method: How = "attention"


class Alternative(BaseModel):
    """One of the best translations of the text."""

    text: str
    score: float


class TranslatedSentence(BaseModel):
    """A sentence, or a piece of one that is longer than the model takes."""

    text: str
    score: Annotated[
        float, Field(description="Log-probability over length to the power of the length penalty.")
    ]
    tokens: list[str]
    source_tokens: list[str]
    attention: Maps = None


class Translated(BaseModel):
    """A translation."""

    text: str
    score: float
    n_best: list[Alternative]
    sentences: list[TranslatedSentence]


@dataclass(frozen=True)
class Translate(Work[str, Answer]):
    """Texts into another language, as JSON or as a page of attention maps.

    Attributes:
        options: of decoding.
        at: which maps to send.
        page: as a page.
        limits: `weights` and `characters`.
        words: maps between whole words.
        edits: of heads.
        method: what the maps say.
    """

    options: Options
    at: str | None
    page: bool
    limits: Limits
    words: bool = False
    edits: FrozenEdits = ()
    method: Method = "attention"

    def size(self, given: str) -> float:
        """A batch has no more letters than one text may have, and fewer where each word is explained."""
        return len(given) / self.limits.characters * effort(self.method)

    def answers(self, predictor: Translator, given: Sequence[str], check: Check) -> list[Answer]:
        """One for each text."""
        with edited(predictor.model, self.edits):
            answers = []
            for text, result in zip(given, translations(predictor, given, self.options, check), strict=True):
                check()  # maps by gradients may take longer than the translation did
                answers.append(self._answer(predictor, text, result))
            return answers

    def _answer(self, translator: Translator, text: str, result: Translation) -> Answer:
        sentences = result.parts or ((result,) if result.tokens else ())
        maps = []
        if self.at is not None:
            lengths = [max(len(one.tokens), len(one.source_tokens)) for one in sentences]
            check_token_maps(translator, lengths, self.limits.weights, self.method)
            known = translator.faithfulness
            if self.edits:  # of the model with these heads off nothing was measured
                known = replace(known, figures={})
            maps = [maps_of(one, self.at, self.method, known) for one in sentences]
        if self.words:
            maps = [[join_subwords(seen) for seen in some] for some in maps]
        if self.page:
            return page_answer(of_sentences(maps), _title(text))
        return json_answer(
            Translated(
                text=result.text,
                score=round(result.score, SCORE),
                n_best=[Alternative(text=one.text, score=round(one.score, SCORE)) for one in result.n_best],
                sentences=[
                    TranslatedSentence(
                        text=one.text,
                        score=round(one.score, SCORE),
                        tokens=list(one.tokens),
                        source_tokens=list(one.source_tokens),
                        attention=as_json(maps[place]) if maps else None,
                    )
                    for place, one in enumerate(sentences)
                ],
            )
        )


def translations(
    translator: Translator, texts: Sequence[str], options: Options, check: Check, watch: Draft | None = None
) -> list[Translation]:
    """Translations whose texts and rounded scores do not depend on one another; `watch` is told of drafts."""

    def translate(some: Sequence[str]) -> list[Translation]:
        # What is done once more, alone, has been told of already.
        told = watch if some is texts else None
        return translator(list(some), watch=told, before_step=check, **dict(options))

    return answered_alike(translate, texts, _scores, SCORE, SCORE_NOISE)


def routes(models: Models, limits: Limits) -> APIRouter:
    """Of translation."""
    router = APIRouter(prefix="/api/models/{model}", tags=["translation"], responses=ERRORS)

    async def answer(model: str, asked: TranslateAsked, *, page: bool) -> Response:
        served = models.of(model, "translation")
        at = asked.attention or ("*" if page else None)
        check_text(asked.text, limits.characters // (1 if at is None else effort(asked.method)))
        work = Translate(
            asked.options(served, limits),
            at,
            page,
            limits,
            words=asked.words,
            edits=frozen(asked.edit),
            method=asked.method,
        )
        return (await served.worker.ask(work, asked.text)).response()

    @router.post("/translate", response_model=Translated)
    async def translate(model: str, asked: TranslateAsked) -> Response:
        """Translates a text."""
        return await answer(model, asked, page=False)

    @router.post("/translate/page", response_class=Response, responses=html("What each word looked at."))
    async def translate_page(model: str, asked: TranslateAsked) -> Response:
        """What was attended to, as one HTML file that needs nothing else."""
        return await answer(model, asked, page=True)

    return router


def html(about: str) -> dict[int | str, dict[str, Any]]:
    """What the description of a route says of a page."""
    return {200: {"description": about, "content": {"text/html": {"schema": {"type": "string"}}}}}


def _title(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


def _scores(result: Translation) -> Iterator[float]:
    yield result.score
    yield from (one.score for one in result.n_best)
    yield from (one.score for one in result.parts)

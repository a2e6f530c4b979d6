"""Long texts: each sentence is sent when it is translated, as a line of JSON."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from regard.data.text.sentences import Sentence, split_sentences
from regard.server.batching import Work, Worker
from regard.server.errors import Fault, Refused, refused
from regard.server.limits import Limits
from regard.server.rounding import SCORE
from regard.server.schema import ERRORS, Options, check_text
from regard.server.served import Models
from regard.server.translate import Decoding, translations
from regard.tasks.text.translator import Translation, Translator

MEDIA_TYPE = "application/x-ndjson"
_AHEAD = 8  # sentences of a text that wait or are worked on at once
_PATIENCE = 0.05  # seconds until a full queue is tried again


class StreamAsked(Decoding):
    """What to translate."""

    text: str


class Line(BaseModel):
    """One line: a sentence, the end, or an error, after which nothing comes."""

    kind: Literal["sentence", "end", "error"]
    number: Annotated[int | None, Field(description="Of the sentence, from 0.")] = None
    of: Annotated[int | None, Field(description="How many sentences there are.")] = None
    source: str | None = None
    text: str | None = None
    gap: Annotated[str | None, Field(description="The space after the sentence in the source.")] = None
    score: float | None = None
    error: Fault | None = None

    def encoded(self) -> bytes:
        """As a line."""
        return self.model_dump_json(exclude_none=True).encode() + b"\n"


@dataclass(frozen=True)
class TranslateSentence(Work[str, Translation]):
    """Sentences into another language.

    Attributes:
        options: of decoding.
        limits: `characters`.
    """

    options: Options
    limits: Limits

    def size(self, given: str) -> float:
        """A batch has no more letters than one text may have."""
        return len(given) / self.limits.characters

    def answers(self, predictor: Translator, given: Sequence[str]) -> list[Translation]:
        """One for each sentence."""
        return translations(predictor, given, (*self.options, ("split", False)))


def routes(models: Models, limits: Limits) -> APIRouter:
    """Of texts in pieces."""
    router = APIRouter(prefix="/api/models/{model}", tags=["translation"], responses=ERRORS)
    line = Line.model_json_schema(ref_template="#/components/schemas/{model}")
    del line["$defs"]  # errors have a place among the schemas of all routes
    described: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "A line for each sentence, then one that says that it was the last.",
            "content": {MEDIA_TYPE: {"schema": line}},
        }
    }

    @router.post("/translate/stream", response_class=StreamingResponse, responses=described)
    async def stream(model: str, asked: StreamAsked) -> StreamingResponse:
        """Translates a long text; each sentence is sent when it is ready, in order."""
        served = models.of(model, "translation")
        check_text(asked.text, limits.stream_characters)
        work = TranslateSentence(asked.options(served, limits), limits)
        sentences = split_sentences(asked.text.strip())
        for sentence in sentences:
            check_text(sentence.text, limits.characters)
        # A queue that is full is told as an error while there is still a status to tell it by.
        first = [served.worker.submit(work, one.text) for one in sentences[:1]]
        return StreamingResponse(lines(served.worker, work, sentences, first), media_type=MEDIA_TYPE)

    return router


async def lines(
    worker: Worker, work: TranslateSentence, sentences: Sequence[Sentence], first: list[Future[Translation]]
) -> AsyncIterator[bytes]:
    """The lines of an answer.

    Args:
        worker: that translates.
        work: how.
        sentences: what.
        first: those that wait for it already.
    """
    waiting = deque(first)
    asked = len(waiting)
    try:
        for number, sentence in enumerate(sentences):
            while asked < len(sentences) and len(waiting) < _AHEAD:
                try:
                    waiting.append(worker.submit(work, sentences[asked].text))
                except Refused as refusal:
                    if refusal.code != "queue_full":
                        raise
                    if waiting:
                        break
                    await asyncio.sleep(_PATIENCE)
                else:
                    asked += 1
            result = await worker.answered(waiting.popleft())
            yield Line(
                kind="sentence",
                number=number,
                of=len(sentences),
                source=sentence.text,
                text=result.text,
                gap=sentence.gap,
                score=round(result.score, SCORE),
            ).encoded()
        yield Line(kind="end", of=len(sentences)).encoded()
    except Exception as error:
        fault = Fault.model_validate(refused(error).content["error"])
        yield Line(kind="error", error=fault).encoded()
    finally:
        for future in waiting:
            future.cancel()

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
from regard.server.batching import Check, Work, Worker, too_late
from regard.server.drafts import Drafts
from regard.server.edits import FrozenEdits, edited, frozen
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
    drafts: Annotated[
        bool,
        Field(description="Also send each sentence as far as it is, in lines of the kind `draft`."),
    ] = False


class Line(BaseModel):
    """One line: a draft, a sentence, the end, or an error, after which nothing comes."""

    kind: Literal["draft", "sentence", "end", "error"]
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
class Watched:
    """A sentence, and who wants to see its translation grow.

    Attributes:
        text: in the source's language.
        drafts: are told of it, if any are wanted.
    """

    text: str
    drafts: Drafts | None


@dataclass(frozen=True)
class TranslateSentence(Work[Watched, Translation]):
    """Sentences into another language.

    Attributes:
        options: of decoding.
        limits: `characters`.
        edits: of heads.
    """

    options: Options
    limits: Limits
    edits: FrozenEdits = ()

    def size(self, given: Watched) -> float:
        """A batch has no more letters than one text may have."""
        return len(given.text) / self.limits.characters

    def answers(self, predictor: Translator, given: Sequence[Watched], check: Check) -> list[Translation]:
        """One for each sentence."""

        def watch(number: int, draft: str) -> None:
            drafts = given[number].drafts
            if drafts is not None:
                drafts.tell(draft)

        wanted = any(one.drafts is not None for one in given)
        with edited(predictor.model, self.edits):
            return translations(
                predictor,
                [one.text for one in given],
                (*self.options, ("split", False)),
                check,
                watch if wanted else None,
            )


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
        work = TranslateSentence(asked.options(served, limits), limits, frozen(asked.edit))
        # A long text takes seconds, in which others are to be heard.
        sentences = await asyncio.to_thread(split_sentences, asked.text.strip())
        for sentence in sentences:
            check_text(sentence.text, limits.characters)
        loop = asyncio.get_running_loop()
        given = [Watched(one.text, Drafts(loop) if asked.drafts else None) for one in sentences]
        # A queue that is full is told as an error while there is still a status to tell it by.
        first = [served.worker.submit(work, one) for one in given[:1]]
        answer = lines(served.worker, work, sentences, given, first, limits.seconds)
        return StreamingResponse(answer, media_type=MEDIA_TYPE)

    return router


async def lines(
    worker: Worker,
    work: TranslateSentence,
    sentences: Sequence[Sentence],
    given: Sequence[Watched],
    first: list[Future[Translation]],
    seconds: float,
) -> AsyncIterator[bytes]:
    """The lines of an answer.

    Args:
        worker: that translates.
        work: how.
        sentences: what.
        given: the same, with those who watch.
        first: those that wait for it already.
        seconds: that each may take.
    """
    waiting = deque(first)
    asked = len(waiting)
    try:
        for number, sentence in enumerate(sentences):
            while asked < len(sentences) and len(waiting) < _AHEAD:
                try:
                    waiting.append(worker.submit(work, given[asked]))
                except Refused as refusal:
                    if refusal.code != "queue_full":
                        raise
                    if waiting:
                        break
                    await asyncio.sleep(_PATIENCE)
                else:
                    asked += 1
            drafts = given[number].drafts
            if drafts is not None:
                async for draft in drafts.until(waiting[0], seconds):
                    yield Line(kind="draft", number=number, of=len(sentences), text=draft).encoded()
                if not waiting[0].done():
                    raise too_late(work.limits)
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

"""Language models: a text is gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from regard.server.answers import Answer, json_answer, page_answer
from regard.server.batching import Check, Work
from regard.server.errors import Refused
from regard.server.limits import Limits
from regard.server.maps import At, as_json, check_token_maps, chosen_maps
from regard.server.rounding import SCORE, SCORE_NOISE, answered_alike
from regard.server.schema import ERRORS, Asked, Maps, Options, check_hypotheses, check_text, options_of
from regard.server.served import Models
from regard.server.translate import html
from regard.tasks.text.generator import USUAL_LENGTH, Generation, Generator, block_length
from regard.tasks.text.options import decoding_options


class GenerateAsked(Asked):
    """How a text begins, and how to go on; what is left out is as the model's recipe has it."""

    prompt: str = ""
    length: Annotated[int, Field(ge=1, description="Most tokens to add; 100, or what fits.")] | None = None
    sample: Annotated[bool, Field(description="Draw tokens instead of searching.")] | None = None
    temperature: Annotated[float, Field(ge=1e-4, le=100)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] | None = None
    beam: Annotated[int, Field(ge=1)] | None = None
    n_best: Annotated[int, Field(ge=1)] = 1
    no_repeat_ngram: Annotated[int, Field(ge=0, le=20)] | None = None
    attention: At = None

    def options(self, generator: Generator) -> Options:
        """What is asked of the generator, the length left out.

        Raises:
            regard.errors.UserError: what cannot be.
        """
        found = self.model_dump(exclude={"prompt", "length", "attention"})
        given = options_of({**found, "batch_invariant": True})
        decoding_options(generator.recipe.decoding, dict(given))
        return given


class Continuation(BaseModel):
    """One way to go on."""

    text: Annotated[str, Field(description="The prompt and what was added.")]
    continuation: str
    score: float
    truncated: Annotated[bool, Field(description="The length was reached before the text ended.")]


class Generated(Continuation):
    """A text that was continued."""

    tokens: list[str]
    prompt_tokens: int
    others: list[Continuation]
    attention: Maps = None


@dataclass(frozen=True)
class Generate(Work[str, Answer]):
    """Texts that go on, as JSON or as a page of attention maps.

    Attributes:
        options: of decoding.
        length: tokens to add.
        at: which maps to send.
        page: as a page.
        limits: `weights` and `characters`.
    """

    options: Options
    length: int
    at: str | None
    page: bool
    limits: Limits

    def size(self, given: str) -> float:
        """A batch has no more letters than one text may have."""
        return len(given) / self.limits.characters

    def answers(self, predictor: Generator, given: Sequence[str], check: Check) -> list[Answer]:
        """One for each prompt."""

        def generate(prompts: Sequence[str]) -> list[Generation]:
            return predictor(list(prompts), length=self.length, before_step=check, **dict(self.options))

        results = answered_alike(generate, given, _scores, SCORE, SCORE_NOISE)
        return [self._answer(predictor, result) for result in results]

    def _answer(self, generator: Generator, result: Generation) -> Answer:
        maps = None
        if self.at is not None:
            check_token_maps(generator, [len(result.tokens)], self.limits.weights)
            maps = chosen_maps(result.attention, self.at, generator.faithfulness)
        if self.page and maps is not None:
            return page_answer(maps, result.text[:80])
        return json_answer(
            Generated(
                **_continuation(result),
                tokens=list(result.tokens),
                prompt_tokens=result.prompt_tokens,
                others=[Continuation(**_continuation(other)) for other in result.others],
                attention=None if maps is None else as_json(maps),
            )
        )


def room(generator: Generator, prompt: str, length: int | None, limits: Limits) -> int:
    """How many tokens are added to a prompt, whatever else is in its batch.

    Raises:
        Refused: more than fits, or than the server adds.
    """
    if length is not None and length > limits.length:
        raise Refused(413, "too_many", f"length is {length}; at most {limits.length} tokens are added here")
    limit = block_length(generator.recipe)
    read = len(generator.tokenizer.encode(prompt)) + 1
    wanted = length or min(USUAL_LENGTH, limits.length, max(limit - read, 1))
    if read + wanted > limit:
        raise Refused(
            413,
            "text_too_long",
            f"a prompt of {read} tokens and {wanted} more do not fit: the model reads {limit} at a time",
        )
    return wanted


def routes(models: Models, limits: Limits) -> APIRouter:
    """Of language models."""
    router = APIRouter(prefix="/api/models/{model}", tags=["language modelling"], responses=ERRORS)

    async def answer(model: str, asked: GenerateAsked, *, page: bool) -> Response:
        served = models.of(model, "language-modelling")
        generator = served.predictor
        assert isinstance(generator, Generator)  # by its task
        check_text(asked.prompt, limits.characters)
        check_hypotheses(limits, beam=asked.beam, n_best=asked.n_best)
        # To cut a prompt into tokens takes a while, in which others are to be heard.
        length = await asyncio.to_thread(room, generator, asked.prompt, asked.length, limits)
        at = asked.attention or ("*" if page else None)
        work = Generate(asked.options(generator), length, at, page, limits)
        return (await served.worker.ask(work, asked.prompt)).response()

    @router.post("/generate", response_model=Generated)
    async def generate(model: str, asked: GenerateAsked) -> Response:
        """Goes on with a text."""
        return await answer(model, asked, page=False)

    @router.post("/generate/page", response_class=Response, responses=html("What each token looked at."))
    async def generate_page(model: str, asked: GenerateAsked) -> Response:
        """What was attended to, as one HTML file that needs nothing else."""
        return await answer(model, asked, page=True)

    return router


def _continuation(result: Generation) -> dict[str, Any]:
    return {
        "text": result.text,
        "continuation": result.continuation,
        "score": round(result.score, SCORE),
        "truncated": result.truncated,
    }


def _scores(result: Generation) -> Iterator[float]:
    yield result.score
    yield from (other.score for other in result.others)

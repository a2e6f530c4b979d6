"""What all routes that take a picture share: the upload, and the three forms of an answer."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from regard.lens import AttentionMap
from regard.models.images.unet import UNet
from regard.server.answers import Answer, page_answer
from regard.server.batching import Check, Work
from regard.server.limits import Limits
from regard.server.maps import At, check_grid_maps, chosen_maps, over_picture
from regard.server.schema import ERRORS
from regard.server.served import Models
from regard.server.translate import html
from regard.server.uploads import Upload, checked_upload

Form = Literal["json", "png", "page"]
Look = Annotated[At, Query()]
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The picture itself: PNG, JPEG, BMP, WebP or TIFF.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("image/png", "image/jpeg", "image/bmp", "image/webp", "image/tiff")
        },
    }
}
PNG_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture alone.", "content": {"image/png": {}}}
}
HTML_ANSWER = html("What was attended to, over the picture.")


@dataclass(frozen=True)
class PictureWork(Work[Upload, Answer]):
    """What is asked of a model of pictures.

    Attributes:
        form: of the answer.
        at: which maps to send.
        limits: `pixels` and `weights`.
    """

    form: Form
    at: str | None
    limits: Limits

    def size(self, given: Upload) -> float:
        """Pictures are answered one by one: each is of its own size, and gains nothing from others."""
        return 1.0

    def answers(self, predictor: Any, given: Sequence[Upload], check: Check) -> list[Answer]:
        """One for each picture."""
        return [self.answer(predictor, predictor(one.decoded(self.limits.pixels))) for one in given]

    @abstractmethod
    def answer(self, predictor: Any, result: Any) -> Answer:
        """What is told of a result."""

    def maps(self, predictor: Any, result: Any) -> list[AttentionMap] | None:
        """The maps that were asked for, if any were.

        Raises:
            Refused: no such place, or maps that are too large.
        """
        if self.at is None:
            return None
        model = predictor.model
        if isinstance(model, UNet) and model.config.bottleneck_attention:
            height, width = result.image.shape[1:]
            stride, config = model.config.stride, model.config
            positions = -(-height // stride) * -(-width // stride)
            check_grid_maps(config.bottleneck_attention * config.heads, positions, self.limits.weights)
        return chosen_maps(result.attention, self.at, predictor.faithfulness)

    def page(self, maps: list[AttentionMap], result: Any, title: str) -> Answer:
        """Maps over the picture."""
        return page_answer(over_picture(maps, result.image), title)


def picture_routes(
    models: Models,
    limits: Limits,
    *,
    task: str,
    path: str,
    about: str,
    schema: type[BaseModel],
    work: type[PictureWork],
    picture: str | None = None,
) -> APIRouter:
    """The routes of a task on pictures: an answer in JSON, as a page of maps, and as a picture alone.

    Args:
        models: that are served.
        limits: of uploads and answers.
        task: as recipes name it.
        path: of the answer in JSON; the others follow it.
        about: what the task does, as a sentence.
        schema: of the answer in JSON.
        work: what is asked.
        picture: what the picture of the answer shows, if it has one.
    """
    router = APIRouter(prefix="/api/models/{model}", tags=[task.replace("-", " ")], responses=ERRORS)

    async def answer(model: str, request: Request, form: Form, at: str | None) -> Response:
        served = models.of(model, task)
        upload = await asyncio.to_thread(checked_upload, await request.body(), limits.pixels)
        return (await served.worker.ask(work(form, at, limits), upload)).response()

    async def in_json(model: str, request: Request, attention: Look = None) -> Response:
        return await answer(model, request, "json", attention)

    async def as_page(model: str, request: Request, attention: Look = None) -> Response:
        return await answer(model, request, "page", attention or "*")

    async def as_png(model: str, request: Request) -> Response:
        return await answer(model, request, "png", None)

    def add(end: str, handler: Any, description: str, **options: Any) -> None:
        name = (path + end).strip("/").replace("/", " ")
        router.add_api_route(
            path + end,
            handler,
            methods=["POST"],
            name=name,
            description=description,
            openapi_extra=UPLOAD,
            **options,
        )

    add("", in_json, about, response_model=schema)
    page = "What was attended to, as one HTML file that needs nothing else."
    add("/page", as_page, page, response_class=Response, responses=HTML_ANSWER)
    if picture is not None:
        add("/png", as_png, picture, response_class=Response, responses=PNG_ANSWER)
    return router

"""Answers, ready to be sent: made by the thread of the model, so that the one that listens stays free."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image
from pydantic import BaseModel
from starlette.responses import Response

from regard.data.images.reading import Picture
from regard.lens.html import Record, page
from regard.lens.map import AttentionMap
from regard.server.security import PAGE_POLICY

JSON, PNG, HTML = "application/json", "image/png", "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """Bytes and what they are.

    Attributes:
        content: the body.
        media_type: of HTTP.
    """

    content: bytes
    media_type: str

    def response(self) -> Response:
        """For HTTP."""
        headers = {"Content-Security-Policy": PAGE_POLICY} if self.media_type == HTML else None
        return Response(self.content, media_type=self.media_type, headers=headers)


def json_answer(model: BaseModel) -> Answer:
    """A schema's values, what is None left out."""
    return Answer(model.model_dump_json(exclude_none=True).encode(), JSON)


def page_answer(records: Iterable[AttentionMap | Record], title: str) -> Answer:
    """Attention maps as one self-contained file.

    Raises:
        regard.lens.html.PageError: there are none.
    """
    return Answer(page(list(records), title=title).text.encode(), HTML)


def png(pixels: Picture) -> bytes:
    """A picture as a file: uint8, or uint16 where it is grey.

    Example:
        >>> png(np.zeros((2, 3, 1), np.uint8))[1:4]
        b'PNG'
    """
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.squeeze(2) if pixels.shape[2:] == (1,) else pixels)).save(
        file, "PNG"
    )
    return file.getvalue()


def in_text(content: bytes) -> str:
    """Bytes within JSON, in base64."""
    return base64.b64encode(content).decode("ascii")

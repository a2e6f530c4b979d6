"""The class of each pixel of a picture, and its objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from regard.counted import counted
from regard.server.answers import PNG, Answer, in_text, json_answer, png
from regard.server.errors import Refused
from regard.server.limits import Limits
from regard.server.maps import as_json
from regard.server.pictures import PictureWork, picture_routes
from regard.server.schema import Maps, Png
from regard.server.served import Models
from regard.tasks.images.segmenter import Segmentation, Segmenter

_MOST_OBJECTS = 65_535  # of 16 bits


class Segmented(BaseModel):
    """A segmented picture."""

    objects: Annotated[int, Field(description="How many there are.")]
    share: Annotated[float, Field(description="Of the pixels, that are not background.")]
    values: Annotated[list[int], Field(description="Of the classes, in the mask.")]
    mask: Annotated[Png, Field(description="The class of each pixel: a grey PNG file in base64.")]
    numbers: Annotated[
        Png,
        Field(description="The number of each pixel's object, from 1: a grey PNG file of 16 bits in base64."),
    ]
    attention: Maps = None


@dataclass(frozen=True)
class Segment(PictureWork):
    """Masks of pictures."""

    def answer(self, predictor: Segmenter, result: Segmentation) -> Answer:
        """What is told of a segmentation."""
        maps = self.maps(predictor, result)
        if self.form == "page":
            return self.page(maps or [], result, counted(result.count, "object"))
        mask = png(result.mask.astype(np.uint8 if max(predictor.values) < 256 else np.uint16))
        if self.form == "png":
            return Answer(mask, PNG)
        if result.count > _MOST_OBJECTS:
            raise Refused(
                413,
                "too_many",
                f"{result.count:,} objects, and {_MOST_OBJECTS:,} can be numbered; cut the picture",
            )
        return json_answer(
            Segmented(
                objects=result.count,
                share=round(float((result.mask != predictor.values[0]).mean()), 6),
                values=list(predictor.values),
                mask=in_text(mask),
                numbers=in_text(png(result.objects.astype(np.uint16))),
                attention=None if maps is None else as_json(maps),
            )
        )


def routes(models: Models, limits: Limits) -> APIRouter:
    """Of models that segment."""
    return picture_routes(
        models,
        limits,
        task="segmentation",
        path="/segment",
        about="Says of each pixel what it belongs to, and counts the objects.",
        schema=Segmented,
        work=Segment,
        picture="The mask: the class of each pixel.",
    )

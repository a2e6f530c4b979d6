"""Classes of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from regard.data.images.pixels import from_float
from regard.server.answers import Answer, in_text, json_answer, png
from regard.server.batching import Check
from regard.server.classify_text import rounded
from regard.server.limits import Limits
from regard.server.maps import as_json
from regard.server.pictures import PictureWork, picture_routes
from regard.server.rounding import PROBABILITY, PROBABILITY_NOISE, answered_alike
from regard.server.schema import Maps, Png, Probabilities
from regard.server.served import Models
from regard.server.uploads import Upload
from regard.tasks.images.classifier import ImageClassification, ImageClassifier


class ClassifiedPicture(BaseModel):
    """The class of a picture."""

    label: str
    probabilities: Probabilities
    attention: Maps = None
    read: Annotated[
        Png | None,
        Field(description="With maps: the picture as the network read it, under the patches."),
    ] = None


@dataclass(frozen=True)
class ClassifyPicture(PictureWork):
    """Pictures by class."""

    def size(self, given: Upload) -> float:
        """All are resized to one size, and share a batch; before that they are no larger than one may be."""
        return given.pixels / self.limits.pixels

    def answers(self, predictor: ImageClassifier, given: Sequence[Upload], check: Check) -> list[Answer]:
        """One for each picture."""
        results = answered_alike(
            lambda pictures: predictor(list(pictures)),
            [one.decoded(self.limits.pixels) for one in given],
            lambda result: result.probabilities.values(),
            PROBABILITY,
            PROBABILITY_NOISE,
        )
        return [self.answer(predictor, result) for result in results]

    def answer(self, predictor: ImageClassifier, result: ImageClassification) -> Answer:
        """What is told of a classification."""
        ranked, maps = rounded(result.probabilities, predictor.classes), self.maps(predictor, result)
        label = next(iter(ranked))
        if self.form == "page":
            return self.page(maps or [], result, label)
        if maps is None:
            return json_answer(ClassifiedPicture(label=label, probabilities=ranked))
        read = in_text(png(from_float(result.image.permute(1, 2, 0).numpy(), np.uint8)))
        return json_answer(
            ClassifiedPicture(label=label, probabilities=ranked, attention=as_json(maps), read=read)
        )


def routes(models: Models, limits: Limits) -> APIRouter:
    """Of models that classify pictures."""
    return picture_routes(
        models,
        limits,
        task="image-classification",
        path="/classify",
        about="The class of a picture.",
        schema=ClassifiedPicture,
        work=ClassifyPicture,
    )

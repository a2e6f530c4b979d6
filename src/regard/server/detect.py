"""How much, and where, a picture differs from good ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel, Field

from regard.data.images.pixels import from_float
from regard.server.answers import PNG, Answer, in_text, json_answer, png
from regard.server.limits import Limits
from regard.server.maps import as_json
from regard.server.pictures import PictureWork, picture_routes
from regard.server.schema import Maps, Png
from regard.server.served import Models
from regard.tasks.images.detector import Detection, Detector


class Detected(BaseModel):
    """How a picture differs from good ones."""

    score: Annotated[float, Field(description="The higher, the stranger.")]
    threshold: Annotated[float, Field(description="Above it a picture is reported.")]
    anomalous: bool
    heat: Annotated[
        Png,
        Field(description="Where it differs; white is twice the threshold: a grey PNG file in base64."),
    ]
    restored: Annotated[Png, Field(description="What the network made of it: a PNG file in base64.")]
    attention: Maps = None


@dataclass(frozen=True)
class Detect(PictureWork):
    """Scores and heat maps of pictures."""

    def answer(self, predictor: Detector, result: Detection) -> Answer:
        """What is told of a detection."""
        maps = self.maps(predictor, result)
        if self.form == "page":
            return self.page(maps or [], result, "anomalous" if result.anomalous else "good")
        top = max(2 * predictor.threshold, 1e-12)
        heat = png(from_float((result.heat / top).numpy(), np.uint8))
        if self.form == "png":
            return Answer(heat, PNG)
        restored = from_float(result.restored.permute(1, 2, 0).numpy(), np.uint8)
        return json_answer(
            Detected(
                score=round(result.score, 6),
                threshold=round(predictor.threshold, 6),
                anomalous=result.anomalous,
                heat=in_text(heat),
                restored=in_text(png(restored)),
                attention=None if maps is None else as_json(maps),
            )
        )


def routes(models: Models, limits: Limits) -> APIRouter:
    """Of models that detect anomalies."""
    return picture_routes(
        models,
        limits,
        task="anomaly-detection",
        path="/detect",
        about="Scores a picture by how little it looks like good ones, and shows where.",
        schema=Detected,
        work=Detect,
        picture="The heat map: where it differs, white at twice the threshold.",
    )

"""Pictures without their noise."""

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
from regard.tasks.images.denoiser import Denoised, Denoiser


class Clean(BaseModel):
    """A picture without its noise."""

    height: int
    width: int
    picture: Annotated[
        Png, Field(description="Of the upload's size and depth (fractions at 16 bits): a PNG file in base64.")
    ]
    attention: Maps = None


@dataclass(frozen=True)
class Denoise(PictureWork):
    """Clean pictures."""

    def answer(self, predictor: Denoiser, result: Denoised) -> Answer:
        """What is told of a clean picture."""
        maps = self.maps(predictor, result)
        if self.form == "page":
            return self.page(maps or [], result, "The noisy picture")
        pixels = result.pixels
        if pixels.dtype == np.float32:
            pixels = from_float(pixels, np.uint16)
        clean = png(pixels)
        if self.form == "png":
            return Answer(clean, PNG)
        height, width = pixels.shape[:2]
        told = None if maps is None else as_json(maps)
        return json_answer(Clean(height=height, width=width, picture=in_text(clean), attention=told))


def routes(models: Models, limits: Limits) -> APIRouter:
    """Of models that take out noise."""
    return picture_routes(
        models,
        limits,
        task="denoising",
        path="/denoise",
        about="Takes the noise out of a picture, which keeps its size and depth.",
        schema=Clean,
        work=Denoise,
        picture="The clean picture.",
    )

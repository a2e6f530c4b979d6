"""The detector: from a picture to how much, and where, it differs from good ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.data.images.pixels import COUNTS
from regard.lens import AttentionMap
from regard.models.images.unet import UNet
from regard.tasks.folder import ModelFolder, fill_model
from regard.tasks.images.inputs import Given, pixels_of, tensor_of
from regard.tasks.images.inspection import inspect
from regard.tasks.images.networks import detector_of
from regard.tasks.images.predictor import PicturePredictor
from regard.tasks.images.recipe import DetectionRecipe
from regard.tasks.images.unet_attention import unet_attention
from regard.tasks.predictor import Precision


@dataclass(frozen=True)
class Detection:
    """How a picture differs from what a network knows of good ones.

    Attributes:
        score: of the picture; the higher, the stranger.
        anomalous: the score is above the threshold.
        heat: [height, width] of the picture, float32: where it differs.
        image: what the network read, [channels, height, width] in [0, 1].
        restored: what it made of that, of the same shape.
    """

    score: float
    anomalous: bool
    heat: Tensor = field(repr=False, compare=False)
    image: Tensor = field(repr=False, compare=False)
    restored: Tensor = field(repr=False, compare=False)
    _model: UNet = field(repr=False, compare=False)

    @cached_property
    def attention(self) -> dict[str, AttentionMap]:
        """What the gates let through and the bottleneck looks at, by place; made when first asked for."""
        return unet_attention(self._model, self.image)


class Detector(PicturePredictor[UNet, Detection]):
    """Finds what does not belong with a U-Net trained on good pictures; the heat has the picture's size.

    Args:
        model: with its weights; moved to `device`.
        threshold: the score above which a picture is reported.
        recipe: that the model was trained by.
        device: None leaves the model where it is.
        precision: *float32* or *bf16*.

    Example::

        detector = regard.load("my-detector")
        detector("part.png").anomalous
    """

    task = "anomaly-detection"
    recipe: DetectionRecipe

    def __init__(
        self,
        model: UNet,
        threshold: float,
        recipe: DetectionRecipe,
        *,
        device: torch.device | str | None = None,
        precision: Precision = "float32",
    ) -> None:
        super().__init__(model, recipe, device=device, precision=precision)
        self.threshold = threshold

    @classmethod
    def from_folder(cls, folder: ModelFolder, **options: Any) -> Self:
        """The detector that a checked model folder holds."""
        recipe = folder.recipe
        assert isinstance(recipe, DetectionRecipe)  # by its task
        model = _network(recipe)
        fill_model(model, folder)
        return cls(model.eval(), folder.metrics["threshold"], recipe, **options)

    def _new_model(self) -> UNet:
        return _network(self.recipe)

    def _predicted(self, pictures: Sequence[Given]) -> list[Detection]:
        return [self._detection(one) for one in pictures]

    def _detection(self, picture: Given) -> Detection:
        pixels = pixels_of(picture)
        image = tensor_of(pixels, self.recipe.data)
        restored, heat, score = (
            found.cpu() for found in inspect(self.model, self._placed(image), self.recipe)
        )
        size = pixels.shape[:2]
        if heat.shape != size:
            heat = F.interpolate(heat[None, None], size, mode="bilinear", align_corners=False)[0, 0]
        strange = float(score) > self.threshold
        return Detection(float(score), strange, heat, image, restored.clamp(0, 1), self.model)


def _network(recipe: DetectionRecipe) -> UNet:
    """What the images are normalised by comes with the weights."""
    channels = COUNTS[recipe.data.channels]
    return detector_of(recipe, [0.0] * channels, [1.0] * channels)

"""The segmenter: from a picture to the class of each pixel, and its objects."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from regard.lens import AttentionMap
from regard.models.images.unet import UNet
from regard.tasks.folder import ModelFolder, fill_model
from regard.tasks.images.inputs import Given, pixels_of, tensor_of
from regard.tasks.images.instances import instances
from regard.tasks.images.networks import unet_of
from regard.tasks.images.predictor import PicturePredictor
from regard.tasks.images.recipe import SegmentationRecipe
from regard.tasks.images.unet_attention import unet_attention
from regard.tasks.images.windows import in_windows
from regard.tasks.predictor import Precision


@dataclass(frozen=True)
class Segmentation:
    """A segmented picture.

    Attributes:
        mask: [height, width] of the picture, uint16: the number of each pixel's class, as masks of training
            had it.
        probabilities: [classes, height, width], float32.
        image: what the network read, [channels, height, width] in [0, 1].
    """

    mask: NDArray[np.uint16]
    probabilities: Tensor = field(repr=False, compare=False)
    image: Tensor = field(repr=False, compare=False)
    _recipe: SegmentationRecipe = field(repr=False, compare=False)
    _model: UNet = field(repr=False, compare=False)

    @cached_property
    def objects(self) -> NDArray[np.int32]:
        """[height, width]: objects of the last class, numbered from 1, as the recipe's `instances` says."""
        return instances(self.probabilities[-1].numpy(), self._recipe.instances)

    @property
    def count(self) -> int:
        """How many objects there are."""
        return int(self.objects.max(initial=0))

    @cached_property
    def attention(self) -> dict[str, AttentionMap]:
        """What the gates let through and the bottleneck looks at, by place; made when first asked for."""
        return unet_attention(self._model, self.image)


class Segmenter(PicturePredictor[UNet, Segmentation]):
    """Segments pictures of any size with a trained U-Net.

    A large picture is read window by window. Where all pictures of training were resized, so is this, and its
    probabilities back to its own size.

    Args:
        model: with its weights; moved to `device`.
        mask_values: the number of each class in the masks of training; none where they numbered objects.
        recipe: that the model was trained by.
        device: None leaves the model where it is.
        precision: *float32* or *bf16*.

    Example::

        segmenter = regard.load("nuclei")
        segmenter("photo.png").count
    """

    task = "segmentation"
    recipe: SegmentationRecipe

    def __init__(
        self,
        model: UNet,
        mask_values: Sequence[int],
        recipe: SegmentationRecipe,
        *,
        device: torch.device | str | None = None,
        precision: Precision = "float32",
    ) -> None:
        super().__init__(model, recipe, device=device, precision=precision)
        self.mask_values = tuple(mask_values)

    @classmethod
    def from_folder(cls, folder: ModelFolder, **options: Any) -> Self:
        """The segmenter that a checked model folder holds."""
        recipe = folder.recipe
        assert isinstance(recipe, SegmentationRecipe)  # by its task
        mask_values = folder.metrics["values"]
        model = unet_of(recipe, len(mask_values) or 2)
        fill_model(model, folder)
        return cls(model.eval(), mask_values, recipe, **options)

    def _new_model(self) -> UNet:
        return unet_of(self.recipe, len(self.values))

    @property
    def values(self) -> tuple[int, ...]:
        """The number of each class in the masks that it makes: as in training, or black and white."""
        return self.mask_values or (0, 255)

    def _predicted(self, pictures: Sequence[Given]) -> list[Segmentation]:
        return [self._segmented(one) for one in pictures]

    def _segmented(self, picture: Given) -> Segmentation:
        pixels = pixels_of(picture)
        image = tensor_of(pixels, self.recipe.data)
        probabilities = in_windows(self.model, self._placed(image)).softmax(0).cpu()
        size = pixels.shape[:2]
        if probabilities.shape[1:] != size:
            probabilities = F.interpolate(probabilities[None], size, mode="bilinear", align_corners=False)[0]
        # Not argmax, which takes eight times as long over a first dimension.
        mask = np.array(self.values, np.uint16)[probabilities.max(0).indices.numpy()]
        return Segmentation(mask, probabilities, image, self.recipe, self.model)

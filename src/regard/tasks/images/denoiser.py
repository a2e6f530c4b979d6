"""The denoiser: from a noisy picture to a clean one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from torch import Tensor

from regard.data.images.config import ImageDataConfig
from regard.data.images.pixels import as_channels, from_float
from regard.data.images.reading import Picture
from regard.lens import AttentionMap
from regard.models.images.unet import UNet
from regard.tasks.folder import ModelFolder, fill_model
from regard.tasks.images.inputs import Given, pixels_of, tensor_of
from regard.tasks.images.networks import unet_of
from regard.tasks.images.predictor import PicturePredictor
from regard.tasks.images.recipe import DenoisingRecipe
from regard.tasks.images.unet_attention import unet_attention
from regard.tasks.images.windows import in_windows


@dataclass(frozen=True)
class Denoised:
    """A picture without its noise.

    Attributes:
        pixels: [height, width, channels] in the depth, the size and the channels of the picture.
        image: what the network read, [channels, height, width] in [0, 1].
    """

    pixels: Picture
    image: Tensor = field(repr=False, compare=False)
    _model: UNet = field(repr=False, compare=False)

    @cached_property
    def attention(self) -> dict[str, AttentionMap]:
        """What the gates let through and the bottleneck looks at, by place; made when first asked for."""
        return unet_attention(self._model, self.image)


class Denoiser(PicturePredictor[UNet, Denoised]):
    """Takes noise out of pictures of any size with a trained U-Net; a large one is read window by window.

    What a picture has stays: a network of grey pictures restores colours one by one, one of coloured pictures
    makes grey ones grey again, and how transparent pixels are is as it was.

    Args:
        model: with its weights; moved to `device`.
        recipe: that the model was trained by.
        device: None leaves the model where it is.
        precision: *float32* or *bf16*.

    Example::

        clean = regard.load("my-denoiser")("noisy.png").pixels
    """

    task = "denoising"
    recipe: DenoisingRecipe

    @classmethod
    def from_folder(cls, folder: ModelFolder, **options: Any) -> Self:
        """The denoiser that a checked model folder holds."""
        recipe = folder.recipe
        assert isinstance(recipe, DenoisingRecipe)  # by its task
        model = unet_of(recipe)
        fill_model(model, folder)
        return cls(model.eval(), recipe, **options)

    def _new_model(self) -> UNet:
        return unet_of(self.recipe)

    def _predicted(self, pictures: Sequence[Given]) -> list[Denoised]:
        return [self._denoised(one) for one in pictures]

    def _denoised(self, picture: Given) -> Denoised:
        pixels = pixels_of(picture)
        count = pixels.shape[2]
        colours, alpha = (pixels, None) if count % 2 else (pixels[..., :-1], pixels[..., -1:])
        # The picture's own size: one that is made smaller and larger again loses more than its noise.
        data = self.recipe.data.model_copy(update={"size": None})
        apart = data.channels == "grey"
        parts = [colours[..., [channel]] for channel in range(colours.shape[2])] if apart else [colours]
        clean = [self._clean(part, data) for part in parts]
        whole = np.concatenate([*clean, *([] if alpha is None else [alpha])], 2)
        return Denoised(whole, tensor_of(colours, data), self.model)

    def _clean(self, pixels: Picture, data: ImageDataConfig) -> Picture:
        """What the network reads at a time, without its noise."""
        restored = in_windows(self.model, self._placed(tensor_of(pixels, data))).cpu()
        clean: Picture = restored.permute(1, 2, 0).numpy()
        if clean.shape[2] > pixels.shape[2]:
            clean = as_channels(clean, "grey")
        return from_float(clean, pixels.dtype)

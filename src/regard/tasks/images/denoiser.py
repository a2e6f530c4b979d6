"""The denoiser: from a noisy picture to a clean one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self, overload

import torch
from torch import Tensor

from regard.data.images.pixels import from_float
from regard.data.images.reading import Picture
from regard.lens import AttentionMap
from regard.models.images.unet import UNet
from regard.tasks.folder import ModelFolder, fill_model
from regard.tasks.images.inputs import Given, is_one, listed, pixels_of, tensor_of
from regard.tasks.images.networks import unet_of
from regard.tasks.images.recipe import DenoisingRecipe
from regard.tasks.images.unet_attention import unet_attention
from regard.tasks.images.windows import in_windows
from regard.tasks.predictor import Predictor


@dataclass(frozen=True)
class Denoised:
    """A picture without its noise.

    Attributes:
        pixels: [height, width, channels] in the depth and size of the picture.
        image: what the network read, [channels, height, width] in [0, 1].
    """

    pixels: Picture
    image: Tensor = field(repr=False, compare=False)
    _model: UNet = field(repr=False, compare=False)

    @cached_property
    def attention(self) -> dict[str, AttentionMap]:
        """What the gates let through and the bottleneck looks at, by place; made when first asked for."""
        return unet_attention(self._model, self.image)


class Denoiser(Predictor[UNet]):
    """Takes noise out of pictures with a trained U-Net.

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

    @overload
    def __call__(self, pictures: Given) -> Denoised: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, pictures: Iterable[Given]) -> list[Denoised]: ...
    def __call__(self, pictures: Given | Iterable[Given]) -> Denoised | list[Denoised]:
        """Denoise a picture, or several, of any size; a large one is read window by window.

        Args:
            pictures: a file or pixels, or several.

        Raises:
            DataError: a picture that cannot be read.
        """
        made = [self._denoised(one) for one in listed(pictures)]
        return made[0] if is_one(pictures) else made

    @torch.no_grad()
    def _denoised(self, picture: Given) -> Denoised:
        pixels = pixels_of(picture)
        # The picture's own size: one that is made smaller and larger again loses more than its noise.
        image = tensor_of(pixels, self.recipe.data.model_copy(update={"size": None}))
        restored = in_windows(self.model, image.to(next(self.model.parameters()))).cpu()
        clean = from_float(restored.permute(1, 2, 0).numpy(), pixels.dtype)
        return Denoised(clean, image, self.model)

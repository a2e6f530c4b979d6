"""Denoising as the trainer sees it: a noisy image and the clean one, or pixels to be guessed from others."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from regard.counted import counted
from regard.data.errors import DataError
from regard.data.images.batches import ImageBatch, plain_batch
from regard.data.images.config import ImageDataConfig
from regard.data.images.folders import listed
from regard.data.images.store import PictureStore
from regard.models.images.unet import UNet
from regard.tasks.images.blind_spots import blind_spots
from regard.tasks.images.losses import restoration_loss
from regard.tasks.images.measures.restoration import SSIM_WINDOW, psnr, ssim
from regard.tasks.images.noise import NoiseConfig, add_noise
from regard.tasks.images.recipe import DenoisingRecipe
from regard.tasks.images.task import ImageTask
from regard.tasks.images.windows import in_windows
from regard.tasks.talk import Each, told, untold
from regard.training.trainable import Loss

# In decibels: the error that rounding to 8 bits makes, a twelfth of a squared step. An image that is nearer
# to the clean one counts no more: a single black one, on which there is no noise, would make means infinite.
MOST_PSNR = 10 * math.log10(12 * 255**2)


class DenoisingTask(ImageTask[DenoisingRecipe]):
    """A `regard.training.Trainable` for denoising."""

    layout = "plain"
    metrics = ("loss", "psnr", "ssim")

    def _check(self) -> None:
        super()._check()
        if self.recipe.clean_targets:
            check_sizes(self.validation)

    def check_test(self, store: PictureStore) -> None:
        """See `check_sizes`."""
        super().check_test(store)
        if self.recipe.clean_targets:
            check_sizes(store)

    @classmethod
    def held_out(cls, data: ImageDataConfig, train: PictureStore) -> ImageDataConfig:
        """In their own sizes, which a denoiser keeps, whatever size training sees."""
        return data.model_copy(update={"size": None})

    def new_model(self, mean: tuple[float, ...], std: tuple[float, ...]) -> nn.Module:
        """The recipe's U-Net with random weights."""
        return UNet(self.recipe.model, self.store.channels, self.store.channels, mean, std)

    def loss(self, model: nn.Module, batch: ImageBatch) -> Loss:
        """Difference of what the network restores and the clean images, summed over images.

        Without clean images, of hidden pixels and what the others let the network guess.
        """
        generator = _generator(batch.images.device)
        if self.recipe.clean_targets:
            noisy = add_noise(batch.images, self.recipe.noise, generator)
            return restoration_loss(model(noisy), batch.images, self.recipe.loss)
        seen, hidden = blind_spots(batch.images, self.recipe.blind_spots, generator)
        return restoration_loss(model(seen), batch.images, self.recipe.loss, hidden)

    def figures(self, model: nn.Module, store: PictureStore, each: Each = untold) -> dict[str, Any]:
        """See `denoising_figures`, and where pictures are noisy themselves `blind_figures`."""

        def denoise(image: Tensor) -> Tensor:
            return in_windows(model, image)

        figures = denoising_figures if self.recipe.clean_targets else blind_figures
        return figures(denoise, store, self.recipe, next(model.parameters()).device, each=each)


@torch.no_grad()
def denoising_figures(
    denoise: Callable[[Tensor], Tensor],
    store: PictureStore,
    recipe: DenoisingRecipe,
    device: torch.device,
    noise: NoiseConfig | None = None,
    each: Each = untold,
) -> dict[str, Any]:
    """How much better pictures are without noise that was put on them.

    Args:
        denoise: from [channels, height, width] to the same shape.
        store: clean pictures.
        recipe: its `noise` (unless `noise` is given) and `loss`.
        device: where images are made.
        noise: what is put on; the same random numbers for every denoiser.
        each: is told how many pictures are done, and of how many.

    Returns:
        ``loss``; ``psnr`` in decibels, each image's at most `MOST_PSNR`, and ``ssim``, means over images, and
        those of the noisy images, ``noisy_psnr`` and ``noisy_ssim``; ``images``.

    Raises:
        DataError: pictures that SSIM cannot be taken of.
    """
    check_sizes(store)
    sums = dict.fromkeys(("loss", "psnr", "ssim", "noisy_psnr", "noisy_ssim"), 0.0)
    for row in told(range(len(store)), each):
        clean = plain_batch(store, np.array([row])).images.to(device)
        generator = torch.Generator(device).manual_seed(row)
        noisy = add_noise(clean, noise or recipe.noise, generator)
        restored = denoise(noisy[0])[None].clamp(0, 1)
        sums["loss"] += float(restoration_loss(restored, clean, recipe.loss).total)
        for name, image in (("", restored), ("noisy_", noisy.clamp(0, 1))):
            sums[f"{name}psnr"] += min(float(psnr(image, clean)), MOST_PSNR)
            sums[f"{name}ssim"] += float(ssim(image, clean))
    return {**{name: value / len(store) for name, value in sums.items()}, "images": len(store)}


@torch.no_grad()
def blind_figures(
    denoise: Callable[[Tensor], Tensor],
    store: PictureStore,
    recipe: DenoisingRecipe,
    device: torch.device,
    each: Each = untold,
) -> dict[str, Any]:
    """How well hidden pixels of noisy pictures are guessed, where nothing is known of the clean ones.

    What a denoiser leaves of the noise counts against it: it cannot know a hidden pixel's. PSNR with the
    noisy pictures would be best of one that does nothing.

    Args:
        denoise: from [channels, height, width] to the same shape.
        store: noisy pictures.
        recipe: its `blind_spots` and `loss`.
        device: where images are made.
        each: is told how many pictures are done, and of how many.

    Returns:
        ``loss`` at pixels that are hidden, the same for every denoiser; ``images``.
    """
    total = 0.0
    for row in told(range(len(store)), each):
        noisy = plain_batch(store, np.array([row])).images.to(device)
        seen, hidden = blind_spots(noisy, recipe.blind_spots, torch.Generator(device).manual_seed(row))
        guessed = denoise(seen[0])[None].clamp(0, 1)
        total += float(restoration_loss(guessed, noisy, recipe.loss, hidden).total)
    return {"loss": total / len(store), "images": len(store)}


def check_sizes(store: PictureStore) -> None:
    """That SSIM can be taken of every picture.

    Raises:
        DataError: pictures smaller than its window, by name.
    """
    small = [store.names[row] for row in np.flatnonzero((store.shapes[:, :2] < SSIM_WINDOW).any(1))]
    if small:
        raise DataError(
            f"{counted(len(small), 'picture is', 'pictures are')} smaller than {SSIM_WINDOW}x{SSIM_WINDOW}, "
            f"the window in which figures compare (SSIM): leave out: {listed(small)}"
        )


def _generator(device: torch.device) -> torch.Generator:
    """Random numbers that follow from torch's own, which the trainer seeds for each update."""
    return torch.Generator(device).manual_seed(int(torch.randint(1 << 62, ())))

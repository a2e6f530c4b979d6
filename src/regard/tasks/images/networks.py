"""A recipe's network before its weights come."""

from collections.abc import Sequence

from regard.data.images.pixels import COUNTS
from regard.models.images.judged_unet import JudgedUNet
from regard.models.images.unet import UNet
from regard.tasks.images.recipe import DetectionRecipe, UNetRecipe


def unet_of(recipe: UNetRecipe, outputs: int | None = None) -> UNet:
    """The recipe's U-Net with random weights; what it normalises by comes with those that are learnt.

    Args:
        recipe: of its task.
        outputs: channels of the result; those of the images, if not given.
    """
    channels = COUNTS[recipe.data.channels]
    return UNet(recipe.model, channels, outputs or channels, [0.0] * channels, [1.0] * channels)


def detector_of(recipe: DetectionRecipe, mean: Sequence[float], std: Sequence[float]) -> UNet:
    """The network that restores, and judges too where the recipe has a judge, with random weights.

    Args:
        recipe: what it learns by.
        mean: of each channel of the images.
        std: of each channel.
    """
    channels = len(mean)
    if recipe.judge is None:
        return UNet(recipe.model, channels, channels, mean, std)
    return JudgedUNet(recipe.model, recipe.judge, channels, mean, std)

"""A recipe's U-Net before its weights come."""

from regard.data.images.pixels import COUNTS
from regard.models.images.unet import UNet
from regard.tasks.images.recipe import UNetRecipe


def unet_of(recipe: UNetRecipe, outputs: int | None = None) -> UNet:
    """The recipe's U-Net with random weights; what it normalises by comes with those that are learnt.

    Args:
        recipe: of its task.
        outputs: channels of the result; those of the images, if not given.
    """
    channels = COUNTS[recipe.data.channels]
    return UNet(recipe.model, channels, outputs or channels, [0.0] * channels, [1.0] * channels)

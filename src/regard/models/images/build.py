"""From a config to a network that classifies images. Weights are a function of torch's random seed."""

from __future__ import annotations

from collections.abc import Sequence

from regard.models.images.config import ResNetConfig, VitConfig
from regard.models.images.resnet import ResNet
from regard.models.images.vit import VisionTransformer


def build_image_classifier(
    config: VitConfig | ResNetConfig,
    channels: int,
    classes: int,
    image_size: tuple[int, int],
    mean: Sequence[float],
    std: Sequence[float],
) -> VisionTransformer | ResNet:
    """Build a network from images [batch, channels, height, width] in [0, 1] to logits [batch, classes].

    Args:
        config: the dials.
        channels: of the images.
        classes: how many.
        image_size: height and width of the images in training; both networks take others too.
        mean: of each channel in the training data.
        std: of each channel.

    Raises:
        ValueError: an image size that the patches of a Vision Transformer do not divide; not one mean and one
            deviation above zero for each channel.

    Example:
        >>> model = build_image_classifier(ResNetConfig(), 1, 10, (28, 28), mean=[0.13], std=[0.31])
        >>> type(model).__name__
        'ResNet'
    """
    if isinstance(config, VitConfig):
        return VisionTransformer(config, channels, classes, image_size, mean, std)
    return ResNet(config, channels, classes, mean, std)

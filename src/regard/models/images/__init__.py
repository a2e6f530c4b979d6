"""Networks that read images, built from a config."""

from regard.models.images.build import build_image_classifier
from regard.models.images.config import ResNetConfig, VitConfig
from regard.models.images.resnet import ResNet
from regard.models.images.unet import UNet
from regard.models.images.unet_config import UNetConfig
from regard.models.images.vit import PatchStates, VisionTransformer

__all__ = [
    "PatchStates",
    "ResNet",
    "ResNetConfig",
    "UNet",
    "UNetConfig",
    "VisionTransformer",
    "VitConfig",
    "build_image_classifier",
]

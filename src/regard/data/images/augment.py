"""Random changes of a picture and its mask: where pixels lie (through MONAI), and how bright they are."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from regard.data.images.config import AugmentConfig
from regard.errors import from_extra

_MOST_SEED = 1 << 32


class Augment:
    """Warps, inversion, brightness, contrast, noise and cutout, one picture at a time.

    One smooth field of displacements, turned, scaled and shifted, moves all pixels at once: pictures are
    interpolated linearly, masks take the nearest number, and what lies beyond an edge is its mirror image.

    Args:
        config: which changes.
        size: rows and columns of all pictures.

    Raises:
        UserError: MONAI is not installed, and something warps.
    """

    def __init__(self, config: AugmentConfig, size: tuple[int, int]) -> None:
        self.config = config
        self._warp = _warp(config, size) if config.warps else None

    @property
    def changes(self) -> bool:
        """Whether it does anything."""
        config = self.config
        return config.warps or any(
            (config.invert, config.brightness, config.contrast, config.noise, config.cutout)
        )

    def __call__(
        self, image: Tensor, mask: Tensor | None, random: np.random.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """A picture changed at random.

        Args:
            image: [channels, height, width] in [0, 1].
            mask: [height, width], whole numbers up to 65535; or None.
            random: all that is random.

        Returns:
            The same shapes; the picture in [0, 1].
        """
        if self._warp is not None:
            data = {"image": image.contiguous()}
            if mask is not None:
                data["mask"] = mask[None].float()
            self._warp.set_random_state(state=np.random.RandomState(int(random.integers(_MOST_SEED))))
            data = self._warp(data)
            image = torch.as_tensor(data["image"]).clone()
            mask = None if mask is None else torch.as_tensor(data["mask"])[0].to(mask.dtype)
        return self._toned(image, random), mask

    def _toned(self, image: Tensor, random: np.random.Generator) -> Tensor:
        config = self.config
        if config.invert and random.random() < config.invert:
            image = 1 - image
        if config.contrast:
            mean = image.mean()
            image = (image - mean) * (1 + random.uniform(-config.contrast, config.contrast)) + mean
        if config.brightness:
            image = image + random.uniform(-config.brightness, config.brightness)
        if config.noise:
            noise = random.standard_normal(tuple(image.shape), np.float32)
            image = image + random.uniform(0, config.noise) * torch.from_numpy(noise)
        if config.cutout:
            image = _cut_out(image, config.cutout, random)
        return image.clamp(0, 1)


def _cut_out(image: Tensor, side: int, random: np.random.Generator) -> Tensor:
    """Blank a square with its centre anywhere: at an edge a part of it falls outside."""
    height, width = image.shape[1:]
    top, left = int(random.integers(height)) - side // 2, int(random.integers(width)) - side // 2
    image = image.clone()
    image[:, max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 0
    return image


def _warp(config: AugmentConfig, size: tuple[int, int]) -> Any:
    transforms = from_extra("monai.transforms", "images")
    shared = {
        "keys": ["image", "mask"],
        "prob": 1.0,
        "rotate_range": (math.radians(config.rotate),),
        "scale_range": (config.scale, config.scale),
        "translate_range": tuple(config.shift * side for side in size),
        "mode": ["bilinear", "nearest"],
        "padding_mode": "reflection",
        "allow_missing_keys": True,
    }
    if not config.elastic:
        return transforms.RandAffined(**shared)
    return transforms.Rand2DElasticd(
        spacing=tuple(max(side / (config.elastic_grid - 1), 1.0) for side in size),
        magnitude_range=(config.elastic, config.elastic),
        **shared,
    )

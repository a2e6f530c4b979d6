"""Noise as cameras and microscopes make it, for training denoisers and measuring them."""

from __future__ import annotations

from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor


class NoiseConfig(BaseModel):
    """What kind of noise, and how much.

    Attributes:
        kind: `"gaussian"`: of a camera's electronics, the same everywhere. `"poisson"`: of counting photons,
            stronger where it is bright. `"salt-and-pepper"`: pixels that are white or black.
        sigma: for Gaussian noise: standard deviation, in 1/255 of the range from black to white.
        sigma_to: a standard deviation up to which each image's own is drawn evenly, from `sigma` on, so that
            one model learns all of them; none is drawn unless said.
        peak: for Poisson noise: photons at white; the fewer, the noisier.
        share: for salt and pepper: of pixels that are hit.
        clip: cut at black and white, as a file of whole numbers does. Cut noise is no longer zero on average,
            which training without clean images relies on.

    Example:
        >>> NoiseConfig(sigma=50.0, sigma_to=5.0)
        Traceback (most recent call last):
        ...
        pydantic_core._pydantic_core.ValidationError: 1 validation error for NoiseConfig
          Value error, sigma_to (5) is less than sigma (50) ...
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    kind: Literal["gaussian", "poisson", "salt-and-pepper"] = "gaussian"
    sigma: float = Field(default=25.0, ge=0.0)
    sigma_to: float | None = Field(default=None, ge=0.0)
    peak: float = Field(default=30.0, gt=0.0)
    share: float = Field(default=0.1, ge=0.0, le=1.0)
    clip: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.sigma_to is not None and self.sigma_to < self.sigma:
            raise ValueError(f"sigma_to ({self.sigma_to:g}) is less than sigma ({self.sigma:g})")
        return self


def add_noise(images: Tensor, config: NoiseConfig, generator: torch.Generator) -> Tensor:
    """Noisy copies of images; a function of the images and the generator's state.

    Args:
        images: [batch, channels, rows, columns], in [0, 1].
        config: the noise.
        generator: of the random numbers, on the device of the images.

    Returns:
        The same shape and dtype; below 0 and above 1 in places, unless `config.clip`.

    Example:
        >>> grey, generator = torch.full((1, 1, 64, 64), 0.5), torch.Generator().manual_seed(0)
        >>> round(add_noise(grey, NoiseConfig(sigma=25.0), generator).std().item() * 255)
        25
    """
    if config.kind == "gaussian":
        noisy = images + _sigmas(images, config, generator) * torch.randn(
            images.shape, generator=generator, dtype=images.dtype, device=images.device
        )
    elif config.kind == "poisson":
        noisy = torch.poisson(images.clamp(min=0) * config.peak, generator=generator) / config.peak
    else:
        drawn = torch.rand(
            (len(images), 1, *images.shape[2:]), generator=generator, dtype=images.dtype, device=images.device
        )  # one number a pixel: all channels are hit together
        salted = torch.where(drawn < config.share / 2, 1.0, images)
        noisy = torch.where(drawn >= 1 - config.share / 2, 0.0, salted)
    return noisy.clamp(0, 1) if config.clip else noisy


def _sigmas(images: Tensor, config: NoiseConfig, generator: torch.Generator) -> Tensor:
    """Each image's standard deviation, [batch, 1, 1, 1]."""
    least = images.new_full((len(images), 1, 1, 1), config.sigma / 255)
    if config.sigma_to is None:
        return least
    share = torch.rand(least.shape, generator=generator, dtype=images.dtype, device=images.device)
    return least + share * (config.sigma_to - config.sigma) / 255

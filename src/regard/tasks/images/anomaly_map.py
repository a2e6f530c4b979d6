"""How strange each pixel of an image is, by how differently a network restores it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F

from regard.tasks.images.defects import check_range
from regard.tasks.images.measures.restoration import SSIM_WINDOW, blurred, gaussian_window, ssim_map

Difference = Literal["gradient", "similarity", "squared"]

# Keeps similarity at 1 where both images are flat: Xue et al. 2014, for [0, 1].
_STABLE = 0.0026
# Gradients of less than this many pixels say nothing.
_SMALLEST = 8
# Side of the square in which structure is looked for.
_AROUND = 7
# Rows that are compared at a time.
_ROWS = 256


class AnomalyMapConfig(BaseModel):
    """How image and restoration are compared.

    Attributes:
        differences: what a pixel of the map is the mean of. `"gradient"`: 1 − multi-scale gradient-magnitude
            similarity, which follows structure (RIAD; Zavrtanik et al. 2021b). `"similarity"`: 1 − SSIM.
            `"squared"`: the squared error.
        scales: for gradients: the image at full, half, quarter, … size; fewer where it is too small.
        smoothing: σ of a Gaussian that smooths the map, in pixels; a 64th of the shorter side unless said.
        score: of the image: its map's `"max"`, for defects in what is good else, as in RIAD. Where the whole
            image is another thing: the map's `"mean"`, or its mean over `"structure"`, in which each pixel
            counts by how much there is to be seen in the image or in its restoration (as in
            information-weighted SSIM; Wang and Li 2011): a bare ground, on which both agree, says nothing.
        power: of the mean: (mean of heat^power)^(1/power). Above 1, what is strangest counts for more.

    Example:
        >>> AnomalyMapConfig(differences=())
        Traceback (most recent call last):
        ...
        pydantic_core._pydantic_core.ValidationError: 1 validation error for AnomalyMapConfig
        differences
          Tuple should have at least 1 item after validation, not 0 ...
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    differences: Annotated[tuple[Difference, ...], Field(min_length=1)] = ("gradient",)
    scales: int = Field(default=4, ge=1)
    smoothing: float | None = Field(default=None, ge=0.0)
    score: Literal["max", "mean", "structure"] = "max"
    power: float = Field(default=1.0, ge=1.0)


_DEFAULT = AnomalyMapConfig()


def anomaly_map(images: Tensor, restored: Tensor, config: AnomalyMapConfig = _DEFAULT) -> Tensor:
    """A heat map: 0 where the restoration is the image.

    Both streams are treated alike: images as they were read, in [0, 1], and restorations cut to that range,
    in one dtype. An image that is normalised while its restoration is not makes a map of the normalisation.

    Args:
        images: [batch, channels, rows, columns], in [0, 1].
        restored: the same shape; the network's output, of any floating dtype.
        config: how they are compared.

    Returns:
        [batch, rows, columns], float32 (float64 for float64 images), 0 or more.

    Raises:
        ValueError: shapes differ, or images outside [0, 1].

    Example:
        >>> image = torch.rand(1, 1, 32, 32)
        >>> anomaly_map(image, image).max().item()
        0.0
    """
    check_range("images", images)
    if restored.shape != images.shape:
        raise ValueError(f"restored {tuple(restored.shape)} for images {tuple(images.shape)}")
    exact = torch.float64 if images.dtype == torch.float64 else torch.float32
    images, restored = (stream.to(exact).clamp(0, 1) for stream in (images, restored))
    maps = [_difference(name, images, restored, config.scales) for name in config.differences]
    # Rounding may leave a similarity a little above 1.
    return smoothed(torch.stack(maps).mean(0).clamp(min=0), config.smoothing)


def _difference(name: Difference, images: Tensor, restored: Tensor, scales: int) -> Tensor:
    match name:
        case "gradient":
            return 1 - gradient_similarity(images, restored, scales)
        case "similarity":
            return 1 - _in_strips(ssim_map, restored, images, SSIM_WINDOW // 2)
        case "squared":
            return _in_strips(lambda x, y: (x - y).square().mean(1), images, restored, 0)


def _in_strips(compare: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, reach: int) -> Tensor:
    """Images compared some rows at a time: on the way, a comparison takes many times their memory.

    Args:
        compare: from two images to [batch, rows, columns].
        x, y: [batch, channels, rows, columns].
        reach: how many rows above and below a pixel it sees.
    """
    strips = []
    for top in range(0, x.shape[-2], _ROWS):
        above = min(top, reach)
        rows = slice(top - above, top + _ROWS + reach)
        strips.append(compare(x[..., rows, :], y[..., rows, :])[:, above : above + _ROWS])
    return torch.cat(strips, 1)


def anomaly_scores(
    heat: Tensor, images: Tensor, restored: Tensor, config: AnomalyMapConfig = _DEFAULT
) -> Tensor:
    """The score of each image, by its smoothed map.

    Args:
        heat: [batch, rows, columns].
        images: [batch, channels, rows, columns], in [0, 1].
        restored: the same shape.
        config: what the score is.

    Returns:
        [batch].

    Example:
        >>> image = torch.zeros(1, 1, 1, 2)
        >>> anomaly_scores(torch.tensor([[[0.1, 0.7]]]), image, image)
        tensor([0.7000])
    """
    if config.score == "max":
        return heat.flatten(1).amax(1)
    powered = heat.pow(config.power)
    plain = powered.mean((1, 2)).pow(1 / config.power)
    if config.score == "mean":
        return plain
    weight = _in_strips(
        lambda x, y: torch.maximum(_deviation(x.to(heat)), _deviation(y.to(heat).clamp(0, 1))),
        images,
        restored,
        _AROUND // 2,
    )
    total = weight.sum((1, 2))
    # Of two bare images nothing counts more than anything else.
    weighed = ((powered * weight).sum((1, 2)) / total).pow(1 / config.power)
    return torch.where(total > 0, weighed, plain)


def _deviation(images: Tensor) -> Tensor:
    """Standard deviation around each pixel, mean over channels: [batch, rows, columns]."""
    around = partial(
        F.avg_pool2d, kernel_size=_AROUND, stride=1, padding=_AROUND // 2, count_include_pad=False
    )
    variance = around(images.square()) - around(images).square()
    # What rounding leaves of a bare image's variance is none.
    return variance.clamp(min=1e-6).sub(1e-6).sqrt().mean(1)


def gradient_similarity(x: Tensor, y: Tensor, scales: int = 4) -> Tensor:
    """Multi-scale gradient-magnitude similarity around each pixel, mean over channels and scales.

    At each scale (2·g_x·g_y + c) / (g_x² + g_y² + c) of the gradient magnitudes g by Prewitt's filters
    (Xue et al. 2014, eq. 4), enlarged to full size.

    Args:
        x: [batch, channels, rows, columns], in [0, 1].
        y: the same shape.
        scales: full size, half, quarter, …, as long as the shorter side has 8 pixels.

    Returns:
        [batch, rows, columns], at most 1.

    Example:
        >>> gradient_similarity(torch.ones(1, 3, 9, 9), torch.zeros(1, 3, 9, 9)).unique()  # both flat
        tensor([1.])
    """
    size, total, taken = x.shape[-2:], torch.zeros_like(x[:, :1]), 0
    for scale in range(scales):
        if scale:
            if min(x.shape[-2:]) < 2 * _SMALLEST:
                break
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        similar = _in_strips(_similar, x, y, 1)[:, None]
        total += F.interpolate(similar, size, mode="bilinear") if scale else similar
        taken += 1
    return total.div_(taken)[:, 0]


def _similar(x: Tensor, y: Tensor) -> Tensor:
    """[batch, rows, columns]: gradient-magnitude similarity at one scale, mean over channels."""
    squares_x, squares_y = _squared_gradients(x), _squared_gradients(y)
    product = (squares_x * squares_y).sqrt()
    return ((2 * product + _STABLE) / (squares_x + squares_y + _STABLE)).mean(1)


def _squared_gradients(images: Tensor) -> Tensor:
    """Squared gradient magnitudes by Prewitt's filters, edges repeated: [batch, channels, rows, columns]."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 2:] - padded[..., :-2]
    down = padded[..., 2:, :] - padded[..., :-2, :]
    across = (across[..., :-2, :] + across[..., 1:-1, :] + across[..., 2:, :]) / 3
    down = (down[..., :-2] + down[..., 1:-1] + down[..., 2:]) / 3
    return across.square() + down.square()


def smoothed(heat: Tensor, sigma: float | None) -> Tensor:
    """Maps [batch, rows, columns] under a Gaussian, edges repeated; σ is `AnomalyMapConfig.smoothing`."""
    sigma = min(heat.shape[-2:]) / 64 if sigma is None else sigma
    half = round(3 * sigma)
    if not half:
        return heat
    padded = F.pad(heat, (half,) * 4, mode="replicate")
    return blurred(padded, gaussian_window(2 * half + 1, sigma))

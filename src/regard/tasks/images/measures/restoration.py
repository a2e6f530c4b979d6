"""How close a restored image is to the clean one: PSNR and SSIM."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

SSIM_WINDOW, _SIGMA = 11, 1.5


def psnr(restored: Tensor, clean: Tensor, value_range: float = 1.0) -> Tensor:
    """Peak signal-to-noise ratio of each image, in dB.

    Args:
        restored: [batch, channels, rows, columns].
        clean: the same shape.
        value_range: what lies between black and white: 1 for [0, 1], 255 for 8 bits.

    Returns:
        [batch]; infinite for equal images.

    Raises:
        ValueError: shapes differ.

    Example:
        >>> round(psnr(torch.full((1, 1, 4, 4), 0.6), torch.full((1, 1, 4, 4), 0.5)).item(), 3)  # error 0.1
        20.0
    """
    _check(restored, clean)
    error = (restored - clean).square().flatten(1).mean(1)
    return 10 * torch.log10(value_range**2 / error)


def ssim(restored: Tensor, clean: Tensor, value_range: float = 1.0) -> Tensor:
    """Structural similarity of each image (Wang et al. 2004, §III-B): mean over channels and whole windows.

    Args:
        restored: [batch, channels, rows, columns], at least 11 × 11.
        clean: the same shape.
        value_range: what lies between black and white: 1 for [0, 1], 255 for 8 bits.

    Returns:
        [batch], at most 1.

    Raises:
        ValueError: shapes differ, or an image is smaller than the window.

    Example:
        >>> image = torch.rand(2, 1, 16, 16)
        >>> ssim(image, image).tolist()
        [1.0, 1.0]
    """
    _check(restored, clean)
    if min(clean.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"an image of {clean.shape[-2]} × {clean.shape[-1]} pixels is smaller "
            "than SSIM's window of 11 × 11"
        )
    return _similarity(restored, clean, value_range).flatten(1).mean(1)


def ssim_map(restored: Tensor, clean: Tensor, value_range: float = 1.0) -> Tensor:
    """Structural similarity around each pixel, mean over channels; edges are mirrored (repeated if tiny).

    Args:
        restored: [batch, channels, rows, columns].
        clean: the same shape.
        value_range: what lies between black and white.

    Returns:
        [batch, rows, columns], at most 1.

    Raises:
        ValueError: shapes differ.
    """
    _check(restored, clean)
    half = SSIM_WINDOW // 2
    mode = "reflect" if min(clean.shape[-2:]) > half else "replicate"
    restored, clean = (F.pad(image, (half,) * 4, mode=mode) for image in (restored, clean))
    return _similarity(restored, clean, value_range).mean(1)


def gaussian_window(size: int, sigma: float) -> list[float]:
    """A Gaussian of that many steps, which sums to 1.

    Example:
        >>> [round(weight, 3) for weight in gaussian_window(3, 1.0)]
        [0.274, 0.452, 0.274]
    """
    heights = [math.exp(-((step - (size - 1) / 2) ** 2) / (2 * sigma**2)) for step in range(size)]
    return [height / sum(heights) for height in heights]


def blurred(images: Tensor, window: Sequence[float]) -> Tensor:
    """Images weighed by a window down and across, whole windows only.

    As a sum of shifted images: a convolution of one channel and many taps is several times slower on a CPU.

    Args:
        images: [..., rows, columns].
        window: weights of `size` pixels.

    Returns:
        [..., rows - size + 1, columns - size + 1].

    Example:
        >>> blurred(torch.tensor([[1.0, 2.0, 4.0]]), [1.0]).tolist()
        [[1.0, 2.0, 4.0]]
    """
    for axis in (-2, -1):
        length = images.shape[axis] - len(window) + 1
        total = images.narrow(axis, 0, length) * window[0]
        for shift, weight in enumerate(window[1:], start=1):
            total.add_(images.narrow(axis, shift, length), alpha=weight)
        images = total
    return images


def _similarity(x: Tensor, y: Tensor, value_range: float) -> Tensor:
    """Wang's eq. 13 for every whole window: [batch, channels, rows - 10, columns - 10]."""
    window = gaussian_window(SSIM_WINDOW, _SIGMA)
    mean_x, mean_y, square_x, square_y, product = (
        blurred(part, window) for part in (x, y, x * x, y * y, x * y)
    )
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    both = mean_x * mean_y
    squares = mean_x.square() + mean_y.square()
    covariance, variances = product - both, square_x + square_y - squares
    return (2 * both + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))


def _check(restored: Tensor, clean: Tensor) -> None:
    if restored.shape != clean.shape or clean.ndim != 4:
        raise ValueError(
            f"images {tuple(restored.shape)} and {tuple(clean.shape)}: "
            "both must be [batch, channels, rows, columns], of one shape"
        )
    if not restored.is_floating_point() or not clean.is_floating_point():
        raise ValueError("images of whole numbers: give float tensors and say what their value_range is")

"""What a predictor of pictures is given: files or arrays, made into what its network reads."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from regard.data.errors import DataError
from regard.data.images.batches import image_tensor
from regard.data.images.config import ImageDataConfig
from regard.data.images.pixels import as_channels, resized
from regard.data.images.reading import Picture, read_picture

# A file; or pixels [height, width] or [height, width, channels], uint8, uint16, or float32 in [0, 1].
Given = str | Path | Picture


def is_one(pictures: Given | Iterable[Given]) -> bool:
    """Whether this is one picture, and not several."""
    return isinstance(pictures, str | Path | np.ndarray)


def listed(pictures: Given | Iterable[Given]) -> list[Given]:
    """One picture or several, as a list.

    Raises:
        DataError: neither; a tensor might be both.
    """
    if isinstance(pictures, str | Path | np.ndarray):
        return [pictures]
    if isinstance(pictures, Tensor) or not isinstance(pictures, Iterable):
        raise DataError(
            f"a {type(pictures).__name__} is no picture: give a file or an array [height, width, channels], "
            "or a list of them"
        )
    return list(pictures)


def pixels_of(picture: Given) -> Picture:
    """Pixels [height, width, channels] at their own depth.

    Raises:
        DataError: a file that cannot be read; an array of another shape or type; values that are no pixels.
    """
    if isinstance(picture, str | Path):
        return read_picture(Path(picture))
    pixels: np.ndarray[Any, Any] = np.asarray(picture)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4) or not pixels.size:
        raise DataError(
            f"an array of shape {list(np.shape(picture))} is no picture: give [height, width] or "
            "[height, width, channels] with 1 to 4 channels"
        )
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    if not np.issubdtype(pixels.dtype, np.floating):
        raise DataError(f"pixels of type {pixels.dtype}: give uint8, uint16, or fractions in [0, 1]")
    if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
        raise DataError("pixels that are fractions must lie in [0, 1], none of them NaN or infinite")
    return pixels.astype(np.float32)


def tensor_of(pixels: Picture, data: ImageDataConfig) -> Tensor:
    """An image [channels, height, width] in [0, 1], of the channels and the size that the network learnt on.

    Args:
        pixels: [height, width, channels].
        data: of the recipe: its channels, and the size if all pictures were resized.
    """
    pixels = as_channels(pixels, data.channels)
    return image_tensor([pixels if data.resize is None else resized(pixels, data.resize)])[0]

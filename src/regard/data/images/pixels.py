"""Turning pictures into one another: channels, depth, size."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from regard.data.images.reading import Mask, Picture

Channels = Literal["grey", "rgb"]
COUNTS: dict[Channels, int] = {"grey": 1, "rgb": 3}
# Luma of ITU-R BT.601 in 1/65536, as pillow and OpenCV have it: the sum is 65536, so grey stays as it was.
_LUMA = (19595, 38470, 7471)
# Rows that are worked on at a time where what is computed takes many times what comes of it.
_ROWS = 64


def as_channels(pixels: Picture, channels: Channels) -> Picture:
    """A picture in grey or in RGB, of the same depth.

    What is transparent is laid on white, as a page shows it: what lies under it is not meant to be seen, and
    is often black. Colours become grey by their luma (ITU-R BT.601).

    Args:
        pixels: [height, width, 1 … 4].
        channels: what is wanted.

    Returns:
        [height, width, 1 or 3].

    Raises:
        ValueError: a picture of another shape.

    Example:
        >>> as_channels(np.array([[[255, 0, 0, 0]]], np.uint8), "rgb").tolist()
        [[[255, 255, 255]]]
        >>> as_channels(np.array([[[7, 7, 7]]], np.uint8), "grey").tolist()
        [[[7]]]
    """
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4:
        raise ValueError(f"a picture is [height, width, 1 to 4], not {list(pixels.shape)}")
    if pixels.shape[2] in (2, 4):
        pixels = _on_white(pixels[..., :-1], pixels[..., -1:])
    if pixels.shape[2] == COUNTS[channels]:
        return pixels
    if channels == "rgb":
        return np.repeat(pixels, 3, axis=2)
    if pixels.dtype == np.float32:
        return (pixels @ (np.array(_LUMA, np.float32) / 65536))[..., None]
    weighed = pixels.astype(np.uint32) @ np.array(_LUMA, np.uint32)
    return ((weighed + 32768) >> 16).astype(pixels.dtype)[..., None]


def to_float(pixels: Picture) -> npt.NDArray[np.float32]:
    """Pixels in [0, 1], by the depth of their type; any shape.

    Example:
        >>> to_float(np.array([0, 255], np.uint8)).tolist(), to_float(np.array([65535], np.uint16)).tolist()
        ([0.0, 1.0], [1.0])
    """
    if pixels.dtype == np.float32:
        return pixels
    return np.divide(pixels, greatest(pixels.dtype), dtype=np.float32)


def from_float(values: npt.NDArray[np.float32], dtype: npt.DTypeLike) -> Picture:
    """Values in [0, 1] at a depth, rounded; what lies outside is clipped.

    Example:
        >>> from_float(np.array([-0.1, 0.5, 1.0], np.float32), np.uint8).tolist()
        [0, 128, 255]
    """
    if np.dtype(dtype) == np.float32:
        return np.clip(values, 0, 1)
    pixels = np.empty(values.shape, dtype)
    for first in range(0, len(values), _ROWS):
        # In float64: float32 cannot tell all values of 16 bits apart once they are multiplied.
        clipped = np.clip(values[first : first + _ROWS], 0, 1, dtype=np.float64)
        pixels[first : first + _ROWS] = np.floor(clipped * greatest(dtype) + 0.5)
    return pixels


def greatest(dtype: npt.DTypeLike) -> float:
    """The value that stands for full brightness.

    Raises:
        ValueError: no depth that pictures have.
    """
    known = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
    name = np.dtype(dtype).name
    if name not in known:
        raise ValueError(f"pictures are {', '.join(known)}, not {name}")
    return known[name]


def resized(pixels: Picture, size: tuple[int, int]) -> Picture:
    """A picture at another size (rows, columns), by bicubic interpolation over all that a pixel covers.

    Example:
        >>> resized(np.full((4, 6, 3), 9, np.uint16), (2, 3)).shape
        (2, 3, 3)
    """
    if pixels.shape[:2] == size:
        return pixels
    rows, columns = size
    if pixels.dtype == np.uint8 and pixels.shape[2] in (1, 3):
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        made = np.array(image.resize((columns, rows), Image.Resampling.BICUBIC))
        return made if made.ndim == 3 else made[..., None]
    # Pillow resizes deeper pictures as fractions, a channel at a time.
    planes = [
        np.array(Image.fromarray(plane).resize((columns, rows), Image.Resampling.BICUBIC))
        for plane in np.moveaxis(to_float(pixels), 2, 0)
    ]
    return from_float(np.stack(planes, axis=2), pixels.dtype)


def resized_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """A mask at another size: each pixel takes the number of the nearest one, so no new numbers arise.

    Example:
        >>> resized_mask(np.array([[0, 300]], np.uint16), (2, 4)).tolist()
        [[0, 0, 300, 300], [0, 0, 300, 300]]
    """
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(size, mask.shape, strict=True)
    )
    return np.asarray(mask[rows[:, None], columns])


def _on_white(colours: Picture, alpha: Picture) -> Picture:
    if (alpha == greatest(alpha.dtype)).all():
        return np.ascontiguousarray(colours)
    share = to_float(alpha)
    return from_float(to_float(colours) * share + (1 - share), colours.dtype)

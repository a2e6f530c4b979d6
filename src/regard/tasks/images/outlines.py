"""Objects over their picture: an outline each, in colours that neighbours do not share."""

import numpy as np
from numpy.typing import NDArray

from regard.data.images.pixels import as_channels, from_float, to_float
from regard.data.images.reading import Picture

# Bright on dark and on light pictures, and told apart by the colour-blind (Okabe & Ito 2008).
_COLOURS = np.array(
    [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167)], np.uint8
)


def outlined(picture: Picture, objects: NDArray[np.int32]) -> Picture:
    """A picture with the outline of each object, [height, width, 3], uint8.

    Args:
        picture: [height, width, channels].
        objects: [height, width], 0 outside, numbers of objects from 1.
    """
    pixels = from_float(to_float(as_channels(picture, "rgb")), np.uint8)
    drawn = pixels.copy()
    edges = outlines(objects)
    drawn[edges] = _COLOURS[objects[edges] % len(_COLOURS)]
    return drawn


def outlines(objects: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels of objects that touch something else, up, down, left or right; the picture's edge is nothing.

    Example:
        >>> outlines(np.array([[1, 1, 1], [1, 1, 1], [1, 1, 0]], np.int32)).astype(int).tolist()
        [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    """
    edges = np.zeros(objects.shape, bool)
    for axis in (0, 1):
        differs = np.diff(objects, axis=axis) != 0
        before: list[slice] = [slice(None)] * 2
        after: list[slice] = [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        edges[tuple(before)] |= differs
        edges[tuple(after)] |= differs
    inside: NDArray[np.bool_] = edges & (objects > 0)
    return inside

"""Telling kinds of microscope pictures apart, so that figures can be given for each."""

from typing import Literal

import numpy as np

from regard.data.images.pixels import as_channels, to_float
from regard.data.images.reading import Picture

Stain = Literal["fluorescence", "stained", "bright field"]


def stain(pixels: Picture) -> Stain:
    """How a picture of cells was made.

    Under fluorescence most of the picture is dark: its median is below 0.4 (of dsb2018 at most 0.1, of all
    other kinds at least 0.5). What is bright is *stained* where its colours differ from grey (greatest less
    smallest channel) by more than 0.02 on average (at least 0.04 and exactly 0 in dsb2018), else it is a
    *bright field* without colour.

    Args:
        pixels: [height, width, channels].

    Example:
        >>> stain(np.full((4, 4, 1), 10, np.uint8)), stain(np.full((4, 4, 1), 230, np.uint8))
        ('fluorescence', 'bright field')
    """
    values = to_float(as_channels(pixels, "rgb"))
    if np.median(values) < 0.4:
        return "fluorescence"
    return "stained" if np.ptp(values, axis=2).mean() > 0.02 else "bright field"

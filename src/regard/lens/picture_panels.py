"""Pictures beside each other in a figure."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from regard.lens.titles import write_title

# Pixels made many stay squares; pixels made fewer are averaged, or fine patterns would show as coarse ones.
INTERPOLATION = "antialiased"
_PANEL = 2.2  # inches
_LINE = 0.15  # inches that a line of a title takes
_MOST_COLUMNS = 6


def picture_panels(
    count: int, shape: float, columns: int | None = None, *, lines: int = 1
) -> tuple[Figure, list[Axes]]:
    """A figure, and places for so many pictures in rows.

    Args:
        count: how many.
        shape: height of a picture over its width.
        columns: in a row; left out, as many as make the whole about as wide as high.
        lines: of the longest title.

    Example:
        >>> figure, places = picture_panels(5, 1.0)
        >>> len(places), len(figure.axes)  # the last place of the second row stays empty
        (5, 6)
    """
    if columns is None:
        most = min(count, _MOST_COLUMNS, math.ceil(math.sqrt(count)) + 1)
        columns = math.ceil(count / math.ceil(count / most))  # rows as even as can be
    rows = math.ceil(count / columns)
    # Of a very high or a very wide picture the other side would be too small to see.
    wide, high = (_PANEL, _PANEL * shape) if shape <= 1 else (max(_PANEL / shape, 1.3), _PANEL)
    high = max(high, 0.6) + 0.18 + _LINE * lines
    figure = Figure(layout="constrained", figsize=(wide * columns + 0.8, high * rows + 2 * _LINE))
    places = list(figure.subplots(rows, columns, squeeze=False).flatten())
    for place in places[count:]:
        place.set_axis_off()
    return figure, places[:count]


def show_picture(place: Axes, image: Tensor, title: str) -> None:
    """Draws a picture, pixel for pixel, under a title.

    Args:
        place: where.
        image: [channels, height, width] in [0, 1]; one channel is grey, three are colours.
        title: above it.
    """
    high, wide = image.shape[1:]
    pixels = image.float().clamp(0, 1)
    place.imshow(
        pixels[0].numpy() if len(image) == 1 else pixels.permute(1, 2, 0).numpy(),
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(0, wide, high, 0),
        interpolation=INTERPOLATION,
    )
    write_title(place, title, at="center", size=9, bold=False)
    place.set_axis_off()

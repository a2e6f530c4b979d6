"""Words beside the points of a picture, none on top of another."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from rich.cells import cell_len

from regard.lens.titles import as_drawn

_SIZE = 8.0  # points
# Where a word may go: eight directions, nearest rings first.
_RINGS = (6.0, 14.0, 24.0, 36.0, 50.0, 68.0, 90.0)
_DIRECTIONS = [math.radians(angle) for angle in (30, 330, 150, 210, 90, 270, 0, 180)]

Box = tuple[float, float, float, float]
Place = tuple[float, float, int]


def label_points(axes: Axes, labels: Sequence[str], points: Sequence[tuple[float, float]]) -> None:
    """Writes each label near its point, moved aside and tied by a thin line where there is a crowd.

    Call it when the limits and the layout of ``axes`` are final.
    """
    places = offsets(
        labels, [tuple(axes.transData.transform(point) * 72 / axes.figure.dpi) for point in points]
    )
    for label, point, (right, up, ring) in zip(labels, points, places, strict=True):
        axes.annotate(
            as_drawn(label),
            point,
            xytext=(right, up),
            textcoords="offset points",
            fontsize=_SIZE,
            ha="left",
            va="center",
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkB": 2} if ring else None,
            zorder=3,
        )


def offsets(labels: Sequence[str], points: Sequence[tuple[float, float]]) -> list[Place]:
    """From each point to where its label's left end goes, right and up in points (1/72 inch), and the ring.

    Greedy: each label takes the nearest free place, or the nearest of all where none is free.

    Example:
        >>> offsets(["cat"], [(0.0, 0.0)])
        [(5.196152422706632, 2.9999999999999996, 0)]
    """
    taken: list[Box] = [(x - 3, y - 3, x + 3, y + 3) for x, y in points]
    chosen = []
    for label, (x, y) in zip(labels, points, strict=True):
        places = list(_places(0.6 * _SIZE * cell_len(label)))
        boxes = [_box(label, x + right, y + up) for right, up, _ in places]
        free = (index for index, box in enumerate(boxes) if not any(_overlap(box, other) for other in taken))
        best = next(free, 0)
        taken.append(boxes[best])
        chosen.append(places[best])
    return chosen


def _places(width: float) -> list[Place]:
    places = []
    for ring, radius in enumerate(_RINGS):
        for direction in _DIRECTIONS:
            right, up = radius * math.cos(direction), radius * math.sin(direction)
            # Words to the left end at the point; words above and below are centred on it.
            shift = width if right < -1 else width / 2 if abs(right) <= 1 else 0
            places.append((right - shift, up, ring))
    return places


def _box(label: str, x: float, y: float) -> Box:
    return (x - 1, y - 0.65 * _SIZE, x + 0.6 * _SIZE * cell_len(label) + 1, y + 0.65 * _SIZE)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

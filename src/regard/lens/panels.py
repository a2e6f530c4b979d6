"""Heat maps in a grid: their sizes, their words, who looks at what, and one bar of colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import PercentFormatter
from rich.cells import cell_len
from torch import Tensor

from regard.lens.map import Axis
from regard.lens.terminal import cut
from regard.lens.titles import as_drawn, title_cells, write_title

COLOURS = "viridis"
MOST_AREA = 3000.0
"""Square inches of a figure; one of more would take minutes to draw."""

_CELL = 0.36  # inches
_LONGEST_SIDE = 30.0  # inches; longer axes get smaller cells, then fewer labels
_LABEL_PITCH = 0.14  # inches from one label to the next, at least; cells of no more have no numbers in them
_LETTER = 0.085  # inches that a cell of text takes at most; a Korean letter has two cells
_LONGEST_LABEL = 24  # cells
_MOST_NUMBERS = 400  # above so many cells of a map the numbers in them are noise
_MOST_ALIGNED = 8  # rows of panels; matplotlib measures every label of all of them for each one of them
_TALLEST_BAR = 3.0  # inches


class Panel(NamedTuple):
    """One heat map of a picture.

    Attributes:
        title: above it.
        weights: [queries, keys].
        query_axis: names of the rows.
        key_axis: names of the columns.
    """

    title: str
    weights: Tensor
    query_axis: Axis
    key_axis: Axis

    @property
    def labels(self) -> tuple[str, ...]:
        """Every word beside or below it."""
        return (*self.query_axis.labels, *self.key_axis.labels)


class Words(NamedTuple):
    """What the axes and the colours of a picture stand for.

    Attributes:
        rows: at the left.
        columns: below.
        colours: beside the bar, in per cent.
    """

    rows: str = "who looks"
    columns: str = "what is looked at"
    colours: str = "attention, %"


LOOKS = Words()


class Sizes(NamedTuple):
    """How large a grid of panels is drawn, in inches.

    Attributes:
        cell: rows and columns of a map; longer axes may have smaller ones.
        widths: of the columns of panels.
        heights: of the rows of panels.
        figure: width and height of the whole, with words and titles.
    """

    cell: float
    widths: list[float]
    heights: list[float]
    figure: tuple[float, float]

    @property
    def area(self) -> float:
        """Square inches of the figure."""
        return self.figure[0] * self.figure[1]

    @classmethod
    def of(cls, grid: Sequence[Sequence[Panel]]) -> Sizes:
        """With large cells; with small ones where the figure would have more than `MOST_AREA`."""
        large = cls._with(_CELL, grid)
        return large if large.area <= MOST_AREA else cls._with(_LABEL_PITCH, grid)

    @classmethod
    def _with(cls, cell: float, grid: Sequence[Sequence[Panel]]) -> Sizes:
        # A panel is no narrower than its title.
        widths = [
            max(
                max(_inches(row[column].key_axis, cell), _LETTER * title_cells(row[column].title))
                for row in grid
                if column < len(row)
            )
            for column in range(len(grid[0]))
        ]
        heights = [max(_inches(panel.query_axis, cell) for panel in row) for row in grid]
        panels = [panel for row in grid for panel in row]
        beside = max(
            (_label_inches(label) for panel in panels for label in panel.query_axis.labels), default=0
        )
        below = max((_label_inches(label) for panel in panels for label in panel.key_axis.labels), default=0)
        figure = (
            sum(widths) + (0.5 + beside) * len(widths) + 0.8,
            sum(heights) + (0.9 + 0.7 * below) * len(heights),
        )
        return cls(cell, widths, heights, figure)


def draw_grid(grid: Sequence[Sequence[Panel]], *, numbers: bool, words: Words = LOOKS) -> Figure:
    """A figure of panels in rows, all on one scale of colours.

    Args:
        grid: panels in rows; the last row may be shorter.
        numbers: write the weights into the cells, in per cent, where there is room.
        words: what rows, columns and colours are.
    """
    panels = [panel for row in grid for panel in row]
    sizes = Sizes.of(grid)
    widths, heights = sizes.widths, sizes.heights
    figure = Figure(layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1), figsize=sizes.figure)
    axes = figure.subplots(len(grid), len(widths), squeeze=False, width_ratios=widths, height_ratios=heights)
    top = max((float(panel.weights.max()) for panel in panels if panel.weights.numel()), default=0.0) or 1.0
    for row, places in zip(grid, axes, strict=True):
        for panel, place, width in zip(row, places, widths, strict=False):
            _draw(place, panel, top, width, sizes.cell, numbers and sizes.cell > _LABEL_PITCH)
        for place in places[len(row) :]:
            place.set_axis_off()
    _say_what_is_what(figure, axes, [len(row) for row in grid], words)
    # Beside the tallest row alone: a bar along several rows would end in the middle of one.
    tallest = heights.index(max(heights))
    _colour_bar(figure, list(axes[tallest]), top, heights[tallest], words.colours)
    return figure


def _draw(axes: Axes, panel: Panel, top: float, width: float, cell: float, numbers: bool) -> None:
    axes.imshow(panel.weights.numpy(), cmap=COLOURS, vmin=0, vmax=top, aspect="auto")
    write_title(axes, panel.title, at="left", size=10, bold=True)
    keys, every = panel.key_axis.labels, _every(panel.key_axis, cell)
    shown = [_shown(label) for label in keys[::every]]
    upright = max(map(_label_inches, shown), default=0) < every * width / max(len(keys), 1)
    angle, side = (0, "center") if upright else (45, "right")
    axes.set_xticks(range(0, len(keys), every), shown, rotation=angle, ha=side)
    if not upright:
        for label in axes.get_xticklabels():
            label.set_rotation_mode("anchor")
    queries, every = panel.query_axis.labels, _every(panel.query_axis, cell)
    axes.set_yticks(range(0, len(queries), every), [_shown(label) for label in queries[::every]])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if numbers and panel.weights.numel() <= _MOST_NUMBERS:
        _write_numbers(axes, panel.weights, top)


def _write_numbers(axes: Axes, weights: Tensor, top: float) -> None:
    """Writes the weights that matter into their cells, in per cent."""
    for row, line in enumerate(weights.tolist()):
        for column, weight in enumerate(line):
            if weight >= 0.1 * top and weight >= 0.01:
                ink = "black" if weight > 0.55 * top else "white"
                axes.text(column, row, f"{100 * weight:.0f}", ha="center", va="center", color=ink, fontsize=7)


def _say_what_is_what(figure: Figure, axes: Any, filled: Sequence[int], words: Words) -> None:
    """Names the axes at the left and at the bottom only, and faintly: words matter more.

    Args:
        figure: the whole.
        axes: [rows, columns] of it.
        filled: how many panels each row has.
        words: for rows and columns.
    """
    quiet: dict[str, Any] = {"color": "0.45", "fontsize": 8}
    for places, here, below in zip(axes, filled, [*filled[1:], 0], strict=True):
        places[0].set_ylabel(words.rows, **quiet)
        for place in places[below:here]:
            place.set_xlabel(words.columns, **quiet)
    if len(filled) <= _MOST_ALIGNED:
        figure.align_ylabels(list(axes[:, 0]))


def _colour_bar(figure: Figure, axes: list[Axes], top: float, height: float, label: str) -> None:
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, top), COLOURS),
        ax=axes,
        shrink=min(1.0, _TALLEST_BAR / height),
        anchor=(0, 1),
        aspect=20,
        pad=0.02,
    )
    bar.outline.set_visible(False)
    # Per cent, as the numbers in the cells are.
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if top > 0.05 else None, symbol=None))
    bar.set_label(label)


def _inches(axis: Axis, cell: float) -> float:
    return min(max(cell * len(axis), 0.5), _LONGEST_SIDE)


def _every(axis: Axis, cell: float) -> int:
    """1 when each position has room for its label, 2 when every other has, and so on."""
    return max(math.ceil(_LABEL_PITCH * len(axis) / _inches(axis, cell)), 1)


def _label_inches(label: str) -> float:
    return _LETTER * min(cell_len(label), _LONGEST_LABEL)


def _shown(label: str) -> str:
    return as_drawn(cut(label, _LONGEST_LABEL))

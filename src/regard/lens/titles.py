"""Titles of panels: a name, and below it, smaller, what is said of it."""

from __future__ import annotations

from typing import Literal

from matplotlib.axes import Axes
from rich.cells import cell_len

_SMALL = 7.5  # points
_GAP = 4.0  # points between a panel and what stands above it


def write_title(axes: Axes, title: str, *, at: Literal["left", "center"], size: float, bold: bool) -> None:
    """Writes a title above a panel: its first line as the name, the others small and grey.

    Args:
        axes: of the panel.
        title: one line or more.
        at: where it stands.
        size: of the name, in points.
        bold: whether the name is.
    """
    name, _, below = as_drawn(title).partition("\n")
    lines = below.count("\n") + 1 if below else 0
    room = _GAP + 1.4 * _SMALL * lines
    axes.set_title(name, loc=at, fontweight="bold" if bold else "normal", fontsize=size, pad=room + 1)
    if below:
        said = axes.annotate(
            below,
            (0.0 if at == "left" else 0.5, 1.0),
            xycoords="axes fraction",
            xytext=(0, _GAP),
            textcoords="offset points",
            ha=at,
            va="bottom",
            fontsize=_SMALL,
            color="0.3",
            annotation_clip=False,
        )
        said.set_in_layout(False)  # the name's distance keeps its room, and no panel shrinks by its width


def printable(text: str) -> str:
    """A text that can be drawn and stored: names of files may hold bytes that are no letters.

    Example:
        >>> printable("a\\udcff.png")
        'a?.png'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def as_drawn(text: str) -> str:
    """A text as matplotlib is to be given it: printable, and without a dollar sign that starts mathematics.

    Example:
        >>> print(as_drawn("a\\udcff for $5"))
        a? for \\$5
    """
    return printable(text).replace("$", r"\$")


def title_cells(title: str) -> float:
    """How wide a title is, in letters of its name.

    Example:
        >>> title_cells("a name"), title_cells("a name\\nwhat is said below")
        (6, 13.5)
    """
    name, *below = title.split("\n")
    return max([cell_len(name), *(0.75 * cell_len(line) for line in below)])

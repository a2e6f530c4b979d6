"""Attention maps as pictures: PNG or SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from torch import Tensor

from regard.errors import UserError
from regard.lens.axis import Tokens
from regard.lens.fonts import families_for
from regard.lens.map import AttentionMap
from regard.lens.terminal import heading

COLOURS = "viridis"
_CELL = 0.36  # inches
_LONGEST_SIDE = 30.0  # inches; longer axes get smaller cells, then fewer labels
_LABEL_PITCH = 0.14  # inches from one label to the next, at least
_DPI = 160
_MOST_NUMBERS = 400  # above so many cells the numbers in them are noise
_LONGEST_LABEL = 24


class PictureError(UserError):
    """A picture cannot be drawn or written; the message says why."""


def picture(maps: AttentionMap | Sequence[AttentionMap], path: str | Path) -> Path:
    """Draws one or more maps below each other, each the mean of its heads, and writes PNG, SVG or PDF.

    Args:
        maps: what to draw.
        path: where to; the suffix chooses the format.

    Returns:
        The path.

    Raises:
        PictureError: a suffix that is not .png, .svg or .pdf, or a folder that is not there.

    Example:
        >>> import tempfile, torch
        >>> seen = AttentionMap("cross", torch.eye(2)[None], Tokens(("le", "chat")), Tokens(("the", "cat")))
        >>> picture(seen, Path(tempfile.mkdtemp()) / "map.png").stat().st_size > 1000
        True
    """
    listed = [maps] if isinstance(maps, AttentionMap) else list(maps)
    if not listed:
        raise PictureError("there is no attention map to draw")
    return _draw(
        [[(heading(seen), seen.mean(), seen.query_axis, seen.key_axis)] for seen in listed],
        path,
        numbers=True,
    )


def heads_picture(seen: AttentionMap, path: str | Path) -> Path:
    """Draws every head of a map beside the others on one colour scale, and writes PNG, SVG or PDF.

    Raises:
        PictureError: see :func:`picture`.
    """
    columns = min(seen.heads, math.ceil(math.sqrt(seen.heads)), 4)
    panels = [
        (f"head {head}", seen.weights[head], seen.query_axis, seen.key_axis) for head in range(seen.heads)
    ]
    grid = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    return _draw(grid, path, numbers=False, title=seen.name)


Panel = tuple[str, Tensor, Tokens, Tokens]


def _draw(grid: list[list[Panel]], path: str | Path, *, numbers: bool, title: str | None = None) -> Path:
    path = check_picture_path(path)
    panels = [panel for row in grid for panel in row]
    labels = [label for _, _, *axes in panels for axis in axes for label in axis.labels]
    families = families_for([*labels, *(panel[0] for panel in panels), title or ""])
    with rc_context({"font.family": families, "svg.fonttype": "path", "font.size": 9}):
        widths = [
            max(_inches(row[column][3]) for row in grid if column < len(row))
            for column in range(len(grid[0]))
        ]
        heights = [max(_inches(panel[2]) for panel in row) for row in grid]
        size = (sum(widths) + 1.4 * len(widths) + 1, sum(heights) + 1.3 * len(heights))
        figure = Figure(layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1), figsize=size)
        axes = figure.subplots(
            len(grid), len(widths), squeeze=False, width_ratios=widths, height_ratios=heights
        )
        top = max((float(weights.max()) for _, weights, _, _ in panels if weights.numel()), default=1.0)
        image = None
        for row, places in zip(grid, axes, strict=True):
            for panel, place in zip(row, places, strict=False):
                image = _panel(place, panel, top, numbers)
            for place in places[len(row) :]:
                place.set_axis_off()
        if title:
            figure.suptitle(title, fontweight="bold")
        if image is not None:
            bar = figure.colorbar(image, ax=axes, shrink=min(1.0, 3 / sum(heights)), aspect=25, pad=0.02)
            bar.outline.set_visible(False)
            bar.set_label("attention")
        write_figure(figure, path)
    return path


def _panel(axes: Axes, panel: Panel, top: float, numbers: bool) -> AxesImage:
    name, weights, query_axis, key_axis = panel
    image = axes.imshow(weights.numpy(), cmap=COLOURS, vmin=0, vmax=top or 1.0, aspect="auto")
    axes.set_title(name, loc="left", fontweight="bold", fontsize=10)
    keys = [_cut(label) for label in key_axis.labels]
    upright = max((len(label) for label in keys), default=0) <= 4
    every = _every(key_axis)
    angle, side = (0, "center") if upright else (45, "right")
    axes.set_xticks(range(0, len(keys), every), keys[::every], rotation=angle, ha=side)
    every = _every(query_axis)
    axes.set_yticks(range(0, len(query_axis), every), [_cut(label) for label in query_axis.labels[::every]])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if not upright:
        for label in axes.get_xticklabels():
            label.set_rotation_mode("anchor")
    if numbers and weights.numel() <= _MOST_NUMBERS:
        _write_numbers(axes, weights, top)
    return image


def _write_numbers(axes: Axes, weights: Tensor, top: float) -> None:
    """Writes the weights that matter into their cells, in per cent."""
    for row, line in enumerate(weights.tolist()):
        for column, weight in enumerate(line):
            if weight >= 0.1 * top and weight >= 0.01:
                ink = "black" if weight > 0.55 * top else "white"
                axes.text(column, row, f"{100 * weight:.0f}", ha="center", va="center", color=ink, fontsize=7)


def _inches(axis: Tokens) -> float:
    return min(max(_CELL * len(axis), 0.5), _LONGEST_SIDE)


def _every(axis: Tokens) -> int:
    """1 when each position has room for its label, 2 when every other has, and so on."""
    return math.ceil(_LABEL_PITCH * len(axis) / _inches(axis))


def _cut(label: str) -> str:
    # A dollar sign would start mathematics.
    label = label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"
    return label.replace("$", r"\$")


def check_picture_path(path: str | Path) -> Path:
    """The path of a picture that can be written.

    Raises:
        PictureError: a suffix that is not .png, .svg or .pdf, or a folder that is not there.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise PictureError(f"{path}: a picture ends in .png, .svg or .pdf; name it {path.stem}.png, say")
    if not path.parent.is_dir():
        raise PictureError(f"{path}: there is no folder {path.parent}; make it first")
    return path


def write_figure(figure: Figure, path: Path) -> None:
    """Writes a figure, nothing cut off.

    Raises:
        PictureError: the file cannot be written.
    """
    try:
        figure.savefig(path, dpi=_DPI, bbox_inches="tight", pad_inches=0.15)
    except OSError as error:
        raise PictureError(f"{path}: cannot write the picture: {error.strerror or error}") from error

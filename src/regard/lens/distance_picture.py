"""How far each layer reaches: attention's distance by head and depth, beside a convolutional network's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from regard.lens.fonts import families_for
from regard.lens.picture import PictureError, check_picture_path, write_figure
from regard.lens.reach import Reach
from regard.lens.titles import as_drawn

# Colour-blind safe (Okabe & Ito 2008), and told apart by their marks too.
_LOOKS = (
    *(("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D")),
    *(("#E69F00", "v"), ("#56B4E9", "P"), ("#000000", "X")),
)


def distance_picture(reaches: Sequence[Reach], path: str | Path, *, title: str = "") -> Path:
    """Draws distances over depth, a faint mark for each head, and writes PNG, SVG or PDF.

    Depth is a share of each network's own layers, so that networks of several depths lie beside each other.
    A dotted line is where attention to all patches alike would be.

    Args:
        reaches: the networks.
        path: where to; the suffix chooses the format.
        title: above the picture.

    Raises:
        PictureError: nothing to draw, more than seven networks, or see `regard.lens.picture`.

    Example:
        >>> import tempfile, torch
        >>> where = Path(tempfile.mkdtemp()) / "reach.png"
        >>> vit = Reach("vit", {"encoder.0.self": torch.tensor([3.0, 9.0])}, uniform=9.5)
        >>> distance_picture([vit], where).exists()
        True
    """
    path = check_picture_path(path)
    if not 0 < len(reaches) <= len(_LOOKS):
        raise PictureError(f"from 1 to {len(_LOOKS)} networks can be drawn, not {len(reaches)}")
    with rc_context({"font.family": families_for([title, *map(_label, reaches)]), "font.size": 9}):
        figure = Figure(layout="constrained", figsize=(6.4, 4.2 + 0.2 * len(reaches)))
        axes = figure.subplots()
        for reach, (colour, mark) in zip(reaches, _LOOKS, strict=False):
            _line(axes, reach, colour, mark)
        _uniform_lines(axes, reaches)
        axes.set_xlabel("depth: share of the network's layers, %")
        axes.set_ylabel("how far a layer looks: mean distance, pixels")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=None))
        axes.set_xlim(0, 1.03)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        # Below: inside, it would lie on the marks.
        figure.legend(loc="outside lower center", frameon=False, ncols=1)
        if title:
            axes.set_title(as_drawn(title), loc="left", fontweight="bold")
        write_figure(figure, path)
    return path


def _line(axes: Axes, reach: Reach, colour: str, mark: str) -> None:
    layers = list(reach.layers.values())
    for depth, layer in zip(reach.depths, layers, strict=True):
        heads = layer.flatten().tolist()
        if len(heads) > 1:
            axes.plot([depth] * len(heads), heads, mark, color=colour, alpha=0.35, ms=5, mew=0)
    means = [float(layer.mean()) for layer in layers]
    axes.plot(reach.depths, means, color=colour, marker=mark, ms=6, label=_label(reach))


def _uniform_lines(axes: Axes, reaches: Sequence[Reach]) -> None:
    """Where there would be no choice: one line for the networks of one grid."""
    for uniform in sorted({round(reach.uniform, 2) for reach in reaches if reach.uniform}):
        axes.axhline(uniform, color="0.45", linestyle=":", linewidth=1)
        axes.annotate(
            "attention to all patches alike",
            (0.005, uniform),
            xytext=(0, 3),
            textcoords="offset points",
            color="0.35",
            fontsize=8,
        )


def _label(reach: Reach) -> str:
    if reach.what == "attention":
        heads = {layer.numel() for layer in reach.layers.values()}
        several = f", line: mean of {heads.pop()} heads" if len(heads) == 1 and heads != {1} else ""
        what = f"attention distance{several}"
    else:
        what = "effective receptive field"
    size = " ({} × {} pixels)".format(*reach.image_size) if all(reach.image_size) else ""
    return as_drawn(f"{reach.name}{size}: {what}")

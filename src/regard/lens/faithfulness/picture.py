"""Deletion and insertion curves, drawn."""

from __future__ import annotations

from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from regard.lens.faithfulness.curves import Faithfulness
from regard.lens.fonts import families_for
from regard.lens.picture import PictureError, check_picture_path, write_figure
from regard.lens.titles import as_drawn

# Colour-blind safe (Okabe & Ito 2008), and told apart by their marks too.
_LOOKS = (
    *(("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D")),
    *(("#E69F00", "v"), ("#56B4E9", "P")),
)
MOST_DRAWN = len(_LOOKS)


def faithfulness_picture(found: Faithfulness, path: str | Path, *, title: str = "") -> Path:
    """Draws the curves of each method beside those of chance, a grey band, and writes PNG, SVG or PDF.

    Args:
        found: what was measured.
        path: where to; the suffix chooses the format.
        title: above the picture.

    Raises:
        PictureError: more than six methods, or see `regard.lens.picture`.
    """
    path = check_picture_path(path)
    if len(found.methods) > MOST_DRAWN:
        raise PictureError(f"up to {MOST_DRAWN} methods can be drawn, not {len(found.methods)}")
    with rc_context({"font.family": families_for([title, *found.methods]), "font.size": 9}):
        figure = Figure(layout="constrained", figsize=(8.4, 4.4))
        for axes, kind, says, better in zip(
            figure.subplots(1, 2, sharey=True),
            ("deletion", "insertion"),
            ("taken away", "put in"),
            ("lower is better", "higher is better"),
            strict=True,
        ):
            _draw(axes, found, kind)
            axes.set_title(f"{kind}: {better}", loc="left", fontsize=9)
            axes.set_xlabel(f"share of the input {says}, %")
        figure.axes[0].set_ylabel("probability of the answer, %")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", frameon=False, ncols=4)
        if title:
            figure.suptitle(as_drawn(title), fontweight="bold", x=0.01, ha="left")
        write_figure(figure, path)
    return path


def _draw(axes: Axes, found: Faithfulness, kind: str) -> None:
    shares = found.shares.tolist()
    drawn = [getattr(curves, kind).tolist() for curves in found.random]
    low, high = ([edge(step) for step in zip(*drawn, strict=True)] for edge in (min, max))
    axes.fill_between(shares, low, high, color="0.85", linewidth=0, label=f"{len(drawn)} random orders")
    axes.plot(shares, getattr(found.chance, kind).tolist(), color="0.45", linestyle=":", label="their mean")
    for (name, curves), (colour, mark) in zip(found.methods.items(), _LOOKS, strict=False):
        axes.plot(shares, getattr(curves, kind).tolist(), color=colour, marker=mark, ms=4, label=name)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, None)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    for scale in (axes.xaxis, axes.yaxis):
        scale.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=None))

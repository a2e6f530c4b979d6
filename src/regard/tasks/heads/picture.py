"""What is lost without each head, as a heat map: a row for each place, a column for each head."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regard.counted import counted
from regard.lens.fonts import families_for
from regard.lens.picture import check_picture_path, write_figure
from regard.lens.titles import as_drawn
from regard.tasks.heads.ranking import HeadRanking


def ranking_picture(ranking: HeadRanking, path: str | Path, *, title: str = "") -> Path:
    """Draws a ranking, and writes PNG, SVG or PDF.

    White is no change; a figure in brackets is within two standard errors of none.

    Args:
        ranking: from `rank_heads`.
        path: where to; the suffix chooses the format.
        title: above the picture.

    Raises:
        PictureError: see `regard.lens.picture`.
    """
    path = check_picture_path(path)
    places = list(dict.fromkeys(one.place for one in ranking.heads))
    columns = 1 + max(one.head for one in ranking.heads)
    grid = [[math.nan] * columns for _ in places]
    for one in ranking.heads:
        grid[places.index(one.place)][one.head] = one.loss
    with rc_context({"font.family": families_for([title, ranking.data, *places]), "font.size": 9}):
        size = 2.6 + 0.62 * columns, 1.3 + 0.36 * len(places)
        figure = Figure(layout="constrained", figsize=(max(4.8, size[0]), size[1]))
        axes = figure.subplots()
        largest = max(abs(one.loss) for one in ranking.heads) or 1.0
        image = axes.imshow(grid, cmap="PuOr_r", vmin=-largest, vmax=largest, aspect="auto")
        _figures(axes, ranking, places, largest)
        axes.set_xticks(range(columns))
        axes.set_yticks(range(len(places)), places)
        read = f"{counted(ranking.examples, ranking.unit)} of {ranking.data}"
        axes.set_xlabel(f"head\n{as_drawn(read)}; (in brackets: noise)")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axes, shrink=0.9)
        bar.set_label("loss that is added without it")
        bar.outline.set_visible(False)
        if title:
            axes.set_title(as_drawn(title), loc="left", fontweight="bold")
        write_figure(figure, path)
    return path


def _figures(axes: Axes, ranking: HeadRanking, places: list[str], largest: float) -> None:
    digits = max(0, 2 - math.floor(math.log10(largest)))
    for one in ranking.heads:
        shown = f"{one.loss:.{min(digits, 5)}f}"
        axes.text(
            one.head,
            places.index(one.place),
            shown if one.error is None or one.beyond_chance else f"({shown})",
            ha="center",
            va="center",
            fontsize=7,
            color="white" if abs(one.loss) > 0.6 * largest else "black",
        )

"""What heads do, as a picture: places by heads, coloured by role; beside it how evenly each looks."""

from __future__ import annotations

from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import PercentFormatter

from regard.lens.fonts import families_for
from regard.lens.measures.table import HeadTable
from regard.lens.panels import COLOURS
from regard.lens.picture import check_picture_path, write_figure
from regard.lens.titles import as_drawn

# Told apart by any colour vision (Okabe & Ito 2008).
_ROLE_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
_NO_ROLE = "0.93"
_CELL = 0.42  # inches


def heads_table_picture(table: HeadTable, path: str | Path, *, title: str = "") -> Path:
    """Draws what each head does and how evenly it looks, and writes PNG, SVG or PDF.

    Args:
        table: of all heads.
        path: where to; the suffix chooses the format.
        title: above all.

    Raises:
        PictureError: see `regard.lens.picture`.
    """
    path = check_picture_path(path)
    places = table.places
    heads = max(map(len, places.values()))
    roles = sorted({head.role for head in table.heads if head.role is not None})
    colours = {role: _ROLE_COLOURS[at % len(_ROLE_COLOURS)] for at, role in enumerate(roles)}
    with rc_context({"font.family": families_for([title, *places]), "font.size": 8, "svg.fonttype": "path"}):
        wide, high = max(_CELL * heads, 1.5), max(_CELL * 0.8 * len(places), 0.8)
        figure = Figure(layout="constrained", figsize=(2 * wide + 3.4, high + 1.5))
        roles_axes, even_axes = figure.subplots(1, 2)
        _roles(roles_axes, table, colours)
        _evenness(figure, even_axes, table)
        for axes in (roles_axes, even_axes):
            axes.set_xlabel("head", color="0.45")
            axes.set_xticks(range(heads))
            axes.set_yticks(range(len(places)), list(places) if axes is roles_axes else [""] * len(places))
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
        if colours:
            figure.legend(
                handles=[Patch(color=colour, label=role) for role, colour in colours.items()],
                loc="outside lower center",
                ncols=min(len(colours), 6),
                frameon=False,
            )
        if title:
            figure.suptitle(as_drawn(title), fontweight="bold")
        write_figure(figure, path)
    return path


def _roles(axes: Axes, table: HeadTable, colours: dict[str, str]) -> None:
    for row, heads in enumerate(table.places.values()):
        for head in heads:
            colour = _NO_ROLE if head.role is None else colours[head.role]
            axes.add_patch(Rectangle((head.head - 0.46, row - 0.46), 0.92, 0.92, color=colour, lw=0))
            if head.role is not None:
                axes.text(
                    head.head,
                    row,
                    f"{100 * head.share:.0f}",
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="black" if _is_light(colour) else "white",
                )
    count = max(len(heads) for heads in table.places.values())
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(len(table.places) - 0.5, -0.5)
    axes.set_title("role, and its share in %", loc="left", fontsize=9)


def _evenness(figure: Figure, axes: Axes, table: HeadTable) -> None:
    count = max(len(heads) for heads in table.places.values())
    values = [
        [*((head.relative_entropy or 0.0) for head in heads), *[float("nan")] * (count - len(heads))]
        for heads in table.places.values()
    ]
    drawn = axes.imshow(values, cmap=COLOURS, vmin=0, vmax=1, aspect="auto")
    axes.set_title("entropy, % of possible", loc="left", fontsize=9)
    bar = figure.colorbar(drawn, ax=axes, pad=0.02, aspect=20)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=None))


def _is_light(colour: str) -> bool:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue > 140

"""How often each class was taken for each other, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from regard.lens.fonts import families_for
from regard.lens.panels import COLOURS
from regard.lens.picture import check_picture_path, write_figure
from regard.lens.titles import as_drawn

_CELL = 0.42  # inches
# Classes; of more, cells grow no smaller than can be read: only some are named, and none has its number.
_MOST_CELLS = 30


def confusion_picture(counts: Sequence[Sequence[int]], classes: Sequence[str], path: str | Path) -> Path:
    """Draws a confusion matrix and writes PNG, SVG or PDF.

    A row is what is there, a column what was said; colours are shares of the row, numbers are counts. The
    picture grows no larger than 30 classes take: of more, some are named, evenly spread, and no counts shown.

    Args:
        counts: [classes][classes] of (what is there, what was said).
        classes: their names.
        path: where to; the suffix chooses the format.

    Raises:
        PictureError: see `regard.lens.picture`.

    Example:
        >>> import tempfile
        >>> where = Path(tempfile.mkdtemp()) / "confusion.png"
        >>> confusion_picture([[9, 1], [0, 10]], ["cat", "dog"], where).exists()
        True
    """
    path = check_picture_path(path)
    table = np.asarray(counts, dtype=float)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    side = max(_CELL * min(len(classes), _MOST_CELLS), 1.5)
    with rc_context({"font.family": families_for(classes), "font.size": 9}):
        figure = Figure(layout="constrained", figsize=(side + 2.2, side + 1.2))
        axes = figure.subplots()
        drawn = axes.imshow(shares, cmap=COLOURS, vmin=0, vmax=1)
        named = range(0, len(classes), -(-len(classes) // _MOST_CELLS))
        labels = [as_drawn(classes[number]) for number in named]
        axes.set_xticks(named, labels, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(named, labels)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("what was said", color="0.45")
        axes.set_ylabel("what is there", color="0.45")
        if len(classes) <= _MOST_CELLS:
            for (row, column), share in np.ndenumerate(shares):
                if table[row, column]:
                    ink = "black" if share > 0.55 else "white"
                    count = f"{int(table[row, column])}"
                    axes.text(column, row, count, ha="center", va="center", color=ink, fontsize=7)
        bar = figure.colorbar(drawn, ax=axes, shrink=0.7)
        bar.outline.set_visible(False)
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=None))
        bar.set_label("share of the row, %")
        write_figure(figure, path)
    return path

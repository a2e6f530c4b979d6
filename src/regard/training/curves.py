"""Learning curves as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from regard.training.log import read_log
from regard.whole_file import replace_file

Curves = dict[str, dict[str, tuple[list[int], list[float]]]]
"""By figure, then by `training` or `validation`: updates, and the figure at each."""

_FIRST = ("loss", "learning_rate", "gradient_norm")


def draw_curves(folder: Path) -> Path | None:
    """Draw what the log of a run holds into `curves.png`; None where it holds nothing yet.

    Example:
        >>> import tempfile
        >>> draw_curves(Path(tempfile.mkdtemp())) is None
        True
    """
    curves = curves_of(read_log(folder))
    if not curves:
        return None
    path = folder / "curves.png"
    replace_file(path, lambda part: _draw(curves).savefig(part, dpi=110, format="png"))
    return path


def curves_of(lines: Iterable[dict[str, Any]]) -> Curves:
    """The curves that a log holds; what is no number is left out.

    Args:
        lines: of a log, as `read_log` gives them.

    Example:
        >>> curves_of([{"update": 1, "loss": 2.5}, {"update": 1, "validation": {"loss": 2.0}}])
        {'loss': {'training': ([1], [2.5]), 'validation': ([1], [2.0])}}
    """
    curves: Curves = {}
    for line in lines:
        validation = line.get("validation")
        source, figures = ("validation", validation) if isinstance(validation, dict) else ("training", line)
        for name in figures if source == "validation" else [name for name in _FIRST if name in line]:
            value = figures[name]
            if not isinstance(value, int | float) or not math.isfinite(value):
                continue
            xs, ys = curves.setdefault(name, {}).setdefault(source, ([], []))
            xs.append(line["update"])
            ys.append(value)
    return curves


def _draw(curves: Curves) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(4.5 * columns, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (name, sources) in enumerate(curves.items(), 1):
        axes = figure.add_subplot(rows, columns, place)
        for source, (xs, ys) in sources.items():
            axes.plot(xs, ys, label=source, marker="." if source == "validation" else "", linewidth=1.2)
        axes.set_title(name.replace("_", " "), fontsize=10)
        axes.set_xlabel("update", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, frameon=False)
    return figure

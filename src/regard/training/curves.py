"""Learning curves as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from regard.training.log import read_log

_FIRST = ("loss", "learning_rate", "gradient_norm")


def draw_curves(folder: Path) -> Path | None:
    """Draw what the log of a run holds into `curves.png`; None where it holds nothing yet.

    Example:
        >>> import tempfile
        >>> draw_curves(Path(tempfile.mkdtemp())) is None
        True
    """
    lines = read_log(folder)
    curves: dict[str, dict[str, tuple[list[int], list[float]]]] = {}
    for line in lines:
        validation = line.get("validation")
        source, figures = ("validation", validation) if isinstance(validation, dict) else ("training", line)
        for name in figures if source == "validation" else [name for name in _FIRST if name in line]:
            xs, ys = curves.setdefault(name, {}).setdefault(source, ([], []))
            xs.append(line["update"])
            ys.append(figures[name])
    if not curves:
        return None
    path = folder / "curves.png"
    part = folder / "curves.part.png"
    _draw(curves).savefig(part, dpi=110)
    return part.replace(path)


def _draw(curves: dict[str, dict[str, tuple[list[int], list[float]]]]) -> Any:
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

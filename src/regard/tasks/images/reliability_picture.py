"""Whether a classifier is right as often as it says, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from regard.lens.fonts import families_for
from regard.lens.picture import check_picture_path, write_figure

# Okabe & Ito 2008: told apart by the colour-blind too.
_RIGHT, _MODEST, _BOAST = "#0072B2", "#56B4E9", "#D55E00"


def reliability_picture(bins: Sequence[Mapping[str, float]], error: float, path: str | Path) -> Path:
    """Draws a reliability diagram (Guo et al. 2017, fig. 1) and writes PNG, SVG or PDF.

    Above, how often predictions of a confidence are right, and by how much more or less often than they say;
    below, how many predictions there are of each.

    Args:
        bins: those that hold something: ``from`` and ``to``, edges of confidence in [0, 1]; ``images``;
            ``confidence``, the mean; ``accuracy``.
        error: the expected calibration error.
        path: where to; the suffix chooses the format.

    Raises:
        PictureError: see `regard.lens.picture`.

    Example:
        >>> import tempfile
        >>> where = Path(tempfile.mkdtemp()) / "reliability.png"
        >>> one = {"from": 0.8, "to": 1.0, "images": 20, "confidence": 0.95, "accuracy": 0.9}
        >>> reliability_picture([one], 0.05, where).exists()
        True
    """
    path = check_picture_path(path)
    left = [one["from"] for one in bins]
    widths = [one["to"] - one["from"] for one in bins]
    both = [min(one["accuracy"], one["confidence"]) for one in bins]
    boasts = [max(one["confidence"] - one["accuracy"], 0.0) for one in bins]
    modesty = [max(one["accuracy"] - one["confidence"], 0.0) for one in bins]
    bars: dict[str, Any] = {"align": "edge", "linewidth": 0.6, "edgecolor": "white"}
    with rc_context({"font.family": families_for([]), "svg.fonttype": "path", "font.size": 9}):
        figure = Figure(layout="constrained", figsize=(4.6, 5.4))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.bar(left, both, widths, color=_RIGHT, label="right", **bars)
        above.bar(left, modesty, widths, both, color=_MODEST, label="right, and not so sure", **bars)
        above.bar(left, boasts, widths, both, color=_BOAST, hatch="///", label="so sure, but wrong", **bars)
        above.plot([0, 1], [0, 1], color="0.35", linestyle=":", linewidth=1.2, label="as often as it says")
        above.set_ylabel("of these predictions right, %")
        above.set_ylim(0, 1)
        above.legend(frameon=False, loc="upper left")
        below.bar(left, [one["images"] for one in bins], widths, color="0.6", **bars)
        below.set_ylabel("pictures")
        below.set_xlabel("confidence: probability of the class that was said, %")
        below.set_xlim(0, 1)
        for axis in (above.xaxis, above.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=None))
        for axes in (above, below):
            axes.spines[["top", "right"]].set_visible(False)
        above.set_title(f"Calibration error {error:.1%}", loc="left", fontweight="bold")
        write_figure(figure, path)
    return path

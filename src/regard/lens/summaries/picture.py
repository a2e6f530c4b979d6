"""Figures of attention over long texts as a picture: strips of heads by positions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from regard.lens.fonts import families_for
from regard.lens.panels import COLOURS
from regard.lens.picture import PictureError, check_picture_path, write_figure
from regard.lens.summaries.bins import binned
from regard.lens.summaries.summary import AttentionSummary
from regard.lens.titles import as_drawn

_COLUMNS = 400  # more than that no print tells apart
_HEAD = 0.16  # inches
_WIDE = 3.6  # inches of a strip


def summaries_picture(summaries: Sequence[AttentionSummary], path: str | Path, *, title: str = "") -> Path:
    """Draws each place as three strips, heads by positions, and writes PNG, SVG or PDF.

    The strips are: what each position was given of a head's attention; how even each row is, in bits; how far
    it looks, in tokens.

    Args:
        summaries: places, below each other.
        path: where to; the suffix chooses the format.
        title: above all.

    Raises:
        PictureError: nothing to draw, or see `regard.lens.picture`.

    Example:
        >>> import tempfile, torch
        >>> from regard.lens import Tokens
        >>> axis, ones, top = Tokens.of("ab"), torch.ones(1, 2), torch.zeros(1, 2, 1)
        >>> seen = AttentionSummary("h.0.attn", axis, axis, ones, ones, ones, ones, top, top)
        >>> summaries_picture([seen], Path(tempfile.mkdtemp()) / "figures.png").exists()
        True
    """
    path = check_picture_path(path)
    if not summaries:
        raise PictureError("there are no figures of attention to draw")
    heights = [max(_HEAD * one.heads, 0.5) for one in summaries]
    names = [title, *(one.name for one in summaries)]
    with rc_context({"font.family": families_for(names), "font.size": 8, "svg.fonttype": "path"}):
        figure = Figure(
            layout="constrained", figsize=(3 * _WIDE + 1.2, sum(heights) + 0.62 * len(heights) + 0.3)
        )
        axes = figure.subplots(len(summaries), 3, squeeze=False, height_ratios=heights)
        for one, (received, entropy, distance) in zip(summaries, axes, strict=True):
            total = one.received.sum(1, keepdim=True).clamp_min(1e-12)
            given = binned(100 * one.received / total, _COLUMNS, "sum")
            _strip(figure, received, given, len(one.key_axis), "attention received, %", ranked=True)
            _strip(
                figure, entropy, binned(one.entropy, _COLUMNS, "mean"), len(one.query_axis), "entropy, bits"
            )
            _strip(
                figure,
                distance,
                binned(one.distance, _COLUMNS, "mean"),
                len(one.query_axis),
                "distance",
            )
            received.set_ylabel("head", color="0.45")
            # A dollar sign would start mathematics.
            received.set_title(as_drawn(one.name), loc="left", fontweight="bold", fontsize=9)
        for place, name in zip(axes[-1], ("looked at", "who looks", "who looks"), strict=True):
            place.set_xlabel(f"position ({name})", color="0.45")
        if title:
            figure.suptitle(as_drawn(title), fontweight="bold")
        write_figure(figure, path)
    return path


def _strip(
    figure: Figure, place: Axes, values: Tensor, positions: int, label: str, *, ranked: bool = False
) -> None:
    """Heads by positions. Where a few positions take nearly all, colours go by the power of one half."""
    drawn = place.imshow(
        values.numpy(),
        aspect="auto",
        cmap=COLOURS,
        interpolation="nearest",
        norm="linear",
        vmin=0,
        extent=(0, positions, len(values) - 0.5, -0.5),
    )
    if ranked:
        from matplotlib.colors import PowerNorm

        drawn.set_norm(PowerNorm(0.5, vmin=0, vmax=float(values.max()) or 1.0))
    every = max(len(values) // 12, 1)
    place.set_yticks(range(0, len(values), every))
    place.tick_params(length=0)
    place.spines[:].set_visible(False)
    bar = figure.colorbar(
        drawn, ax=place, pad=0.02, aspect=12, shrink=min(1.0, 1.6 / max(0.16 * len(values), 0.5))
    )
    bar.outline.set_visible(False)
    bar.set_label(label, fontsize=7)

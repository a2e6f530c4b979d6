"""Positions of patches: how alike those of a grid are."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional as F

from regard.lens.panels import COLOURS
from regard.lens.picture import check_picture_path, write_figure
from regard.lens.titles import as_drawn
from regard.nn.grid_positions import GridPositions

_MOST = 14  # maps along a side; of a finer grid every second place is drawn, or every third, …
_SIDE = 7.0  # inches


def position_likeness(model: nn.Module) -> Tensor | None:
    """Cosine of the angle between each place's vector and every other's (Dosovitskiy et al. 2021, fig. 7).

    Args:
        model: a Vision Transformer, say.

    Returns:
        [rows, columns, rows, columns]; None where no positions of a grid are added to anything.

    Example:
        >>> from regard.nn.grid_positions import SinusoidalGrid
        >>> likeness = position_likeness(SinusoidalGrid(16, grid=(2, 3)))
        >>> likeness.shape, round(float(likeness[1, 2, 1, 2]), 5)
        (torch.Size([2, 3, 2, 3]), 1.0)
    """
    for module in model.modules():
        if isinstance(module, GridPositions):
            vectors = F.normalize(module.table.detach().float().cpu(), dim=-1)
            return torch.einsum("ijd,kld->ijkl", vectors, vectors)
    return None


def likeness_picture(likeness: Tensor, path: str | Path, *, title: str = "positions of patches") -> Path:
    """Draws a little map for each place of the grid, all on one scale, and writes PNG, SVG or PDF.

    Args:
        likeness: [rows, columns, rows, columns], from `position_likeness`.
        path: where to; the suffix chooses the format.
        title: above the picture.

    Raises:
        PictureError: see `regard.lens.picture.picture`.

    Example:
        >>> import tempfile
        >>> where = Path(tempfile.mkdtemp()) / "positions.png"
        >>> likeness_picture(torch.eye(6).view(2, 3, 2, 3), where).exists()
        True
    """
    path = check_picture_path(path)
    rows, columns = likeness.shape[:2]
    step = math.ceil(max(rows, columns) / _MOST)
    down, right = range(0, rows, step), range(0, columns, step)
    mosaic, gap = _mosaic(likeness[::step, ::step])
    high, wide = mosaic.shape
    size = _SIDE / max(high, wide)
    with rc_context({"svg.fonttype": "path", "font.size": 9}):
        figure = Figure(layout="constrained", figsize=(max(wide * size, 2.5) + 1.4, max(high * size, 2) + 1))
        axes = figure.subplots()
        drawn = axes.imshow(mosaic.numpy(), cmap=COLOURS, vmax=1, interpolation="nearest")
        for axis, numbers, length in ((axes.xaxis, right, columns), (axes.yaxis, down, rows)):
            middles = [place * (length + gap) + (length - 1) / 2 for place in range(len(numbers))]
            axis.set_ticks(middles, [str(number) for number in numbers])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("column of the patch")
        axes.set_ylabel("row of the patch")
        every = "" if step == 1 else f", every {step}{'nd' if step == 2 else 'rd' if step == 3 else 'th'}"
        said = f"{title}: a map for each of {rows} × {columns}{every}"
        axes.set_title(as_drawn(said), loc="left", fontweight="bold")
        bar = figure.colorbar(drawn, ax=axes, shrink=0.6, aspect=20, pad=0.02)
        bar.outline.set_visible(False)
        bar.set_label("cosine with the patch's own position")
        write_figure(figure, path)
    return path


def _mosaic(likeness: Tensor) -> tuple[Tensor, int]:
    """All maps in one table with gaps of paper between them, and how wide a gap is."""
    down, right, rows, columns = likeness.shape
    gap = max(1, round(max(rows, columns) / 7))
    framed = F.pad(likeness, (0, gap, 0, gap), value=torch.nan)
    table = framed.transpose(1, 2).reshape(down * (rows + gap), right * (columns + gap))
    return table[:-gap, :-gap], gap

"""How far each layer reaches: attention's distance by head and depth, beside a convolutional network's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib import rc_context
from matplotlib.figure import Figure
from torch import Tensor

from regard.lens.fonts import families_for
from regard.lens.picture import PictureError, check_picture_path, write_figure

# Colour-blind safe (Okabe & Ito 2008), and told apart by their marks too.
_LOOKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"))


class Reach(NamedTuple):
    """How far a network's layers reach.

    Attributes:
        name: of the network.
        layers: distances in pixels, one tensor a layer, from the first to the last; a tensor has a value for
            each head, or one.
    """

    name: str
    layers: Sequence[Tensor]


def distance_picture(reaches: Sequence[Reach], path: str | Path, *, title: str = "") -> Path:
    """Draws distances over depth, a mark for each head, and writes PNG, SVG or PDF.

    Depth is a share of each network's own layers, so that networks of several depths lie beside each other.

    Args:
        reaches: the networks.
        path: where to; the suffix chooses the format.
        title: above the picture.

    Raises:
        PictureError: nothing to draw, more than four networks, or see `regard.lens.picture`.

    Example:
        >>> import tempfile, torch
        >>> where = Path(tempfile.mkdtemp()) / "reach.png"
        >>> vit = Reach("vit", [torch.tensor([3.0, 9.0]), torch.tensor([8.0, 9.5])])
        >>> distance_picture([vit], where).exists()
        True
    """
    path = check_picture_path(path)
    if not 0 < len(reaches) <= len(_LOOKS):
        raise PictureError(f"from 1 to {len(_LOOKS)} networks can be drawn, not {len(reaches)}")
    texts = [title, *(reach.name for reach in reaches)]
    with rc_context({"font.family": families_for(texts), "font.size": 9}):
        figure = Figure(layout="constrained", figsize=(6.0, 3.8))
        axes = figure.subplots()
        for reach, (colour, mark) in zip(reaches, _LOOKS, strict=False):
            depths = [(index + 1) / len(reach.layers) for index in range(len(reach.layers))]
            for depth, layer in zip(depths, reach.layers, strict=True):
                heads = layer.flatten().tolist()
                axes.plot([depth] * len(heads), heads, mark, color=colour, alpha=0.5, ms=5)
            means = [float(layer.mean()) for layer in reach.layers]
            axes.plot(depths, means, color=colour, marker=mark, ms=5, label=reach.name)
        axes.set_xlabel("depth (share of the layers)")
        axes.set_ylabel("mean distance, pixels")
        axes.set_xlim(0, 1.05)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        if title:
            axes.set_title(title, loc="left", fontweight="bold")
        write_figure(figure, path)
    return path

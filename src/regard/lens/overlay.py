"""Heat over a picture: what was looked at, where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from torch import Tensor

from regard.lens.fonts import families_for
from regard.lens.panels import COLOURS
from regard.lens.picture import PictureError, check_picture_path, write_figure
from regard.lens.picture_panels import INTERPOLATION, picture_panels, show_picture
from regard.lens.titles import as_drawn

_VEIL = 0.65  # how far heat covers the picture


class Heat(NamedTuple):
    """One panel beside the picture.

    Attributes:
        title: above it.
        values: [rows, columns], of any size: they are spread over the whole picture.
    """

    title: str
    values: Tensor

    def of_its_largest(self) -> Heat:
        """The same as shares of its largest value, for panels that no one scale fits."""
        return self._replace(values=self.values / (float(self.values.max()) or 1.0))


def overlay_picture(
    image: Tensor,
    heats: Sequence[Heat],
    path: str | Path,
    *,
    title: str = "",
    label: str = "attention, %",
    top: float | None = None,
) -> Path:
    """Draws a picture, then the same under each heat, all on one scale, and writes PNG, SVG or PDF.

    Heat is drawn in the cells that it was measured in, without smoothing: a patch is a square.

    Args:
        image: [channels, height, width], values in [0, 1]; one channel is grey, three are colours.
        heats: what lies over it.
        path: where to; the suffix chooses the format.
        title: above all.
        label: beside the bar of colours, which is in per cent.
        top: the value of the brightest colour; the largest of all if not given.

    Raises:
        PictureError: nothing to draw, another number of channels, or see `regard.lens.picture`.

    Example:
        >>> import tempfile, torch
        >>> where = Path(tempfile.mkdtemp()) / "seen.png"
        >>> overlay_picture(torch.rand(1, 8, 8), [Heat("layer 0", torch.rand(2, 2))], where).exists()
        True
    """
    path = check_picture_path(path)
    if not heats:
        raise PictureError("there is nothing to lay over the picture")
    if image.dim() != 3 or image.shape[0] not in (1, 3):
        raise PictureError(f"a picture has 1 or 3 channels, this has the shape {list(image.shape)}")
    top = (max(float(heat.values.max()) for heat in heats) if top is None else top) or 1.0
    texts = [title, label, *(heat.title for heat in heats)]
    with rc_context({"font.family": families_for(texts), "font.size": 9}):
        lines = max(heat.title.count("\n") + 1 for heat in heats)
        figure, places = picture_panels(len(heats) + 1, image.shape[1] / image.shape[2], lines=lines)
        show_picture(places[0], image, "the picture")
        for place, heat in zip(places[1:], heats, strict=False):
            show_picture(place, image.mean(0, keepdim=True), heat.title)  # grey: colours are the heat's
            place.imshow(
                heat.values.float().numpy(),
                cmap=COLOURS,
                vmin=0,
                vmax=top,
                alpha=_VEIL,
                extent=(0, image.shape[2], image.shape[1], 0),
                interpolation=INTERPOLATION,
            )
        _colour_bar(figure, places, top, label)
        if title:
            figure.suptitle(as_drawn(title), fontweight="bold")
        write_figure(figure, path)
    return path


def _colour_bar(figure: Figure, places: list[Axes], top: float, label: str) -> None:
    scale = ScalarMappable(Normalize(0, top), COLOURS)
    bar = figure.colorbar(scale, ax=places, shrink=0.8, aspect=15)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if top > 0.05 else None, symbol=None))
    bar.set_label(label)

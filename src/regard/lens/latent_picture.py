"""The latent of a U-Net over its picture: principal components as colours, and the strongest channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from torch import Tensor

from regard.lens.fonts import families_for
from regard.lens.latent import Latent
from regard.lens.panels import COLOURS
from regard.lens.picture import check_picture_path, write_figure
from regard.lens.picture_panels import picture_panels, show_picture
from regard.lens.titles import as_drawn

_COLUMNS = 5  # the picture, the colours, three components; below them as many channels
_VEIL = 0.75  # how far the latent covers the picture


def latent_picture(image: Tensor, latent: Latent, path: str | Path, *, title: str = "") -> Path:
    """Draws the latent over its picture and writes PNG, SVG or PDF.

    The first row has the picture, the first three principal components as red, green and blue, and each of
    them by itself, since not everybody tells colours apart, with its share of the variance; the second the
    channels that vary most. A cell is a position of the latent; each panel has its own scale, from its lowest
    value to its highest.

    Args:
        image: [channels, height, width] in [0, 1].
        latent: of this picture.
        path: where to; the suffix chooses the format.
        title: above all.

    Raises:
        PictureError: see `regard.lens.picture.picture`.

    Example:
        >>> import tempfile
        >>> values = torch.rand(6, 2, 3)
        >>> latent = Latent(values, values[:3], torch.tensor([0.5, 0.3, 0.1]), torch.arange(6), 4, (8, 12))
        >>> latent_picture(torch.rand(1, 8, 12), latent, Path(tempfile.mkdtemp()) / "latent.png").name
        'latent.png'
    """
    path = check_picture_path(path)
    grey = image.mean(0, keepdim=True)  # colours are the latent's
    components = [_scaled(component) for component in latent.components]
    panels = [
        (f"component {number} ({share:.0%})", component)
        for number, (component, share) in enumerate(zip(components, latent.shares.tolist(), strict=True), 1)
    ]
    panels += [("", torch.empty(0))] * (_COLUMNS - 2 - len(panels))
    channels = latent.strongest[:_COLUMNS].tolist()
    panels += [(f"channel {channel}", _scaled(latent.values[channel])) for channel in channels]
    with rc_context({"font.family": families_for([title]), "svg.fonttype": "path", "font.size": 9}):
        shape = image.shape[1] / image.shape[2]
        figure, places = picture_panels(len(panels) + 2, shape, _COLUMNS)
        show_picture(places[0], image, "the picture")
        show_picture(places[1], grey, "components as colours")
        _lay(places[1], _as_colours(components), latent)
        for place, (name, plane) in zip(places[2:], panels, strict=True):
            if not name:
                place.set_axis_off()
                continue
            show_picture(place, grey, name)
            _lay(place, plane, latent)
        bar = figure.colorbar(ScalarMappable(cmap=COLOURS), ax=places, shrink=0.7, aspect=20, ticks=[0, 1])
        bar.outline.set_visible(False)
        bar.ax.set_yticklabels(["lowest", "highest"])
        bar.set_label("value in the panel")
        if title:
            figure.suptitle(as_drawn(title), fontweight="bold")
        write_figure(figure, path)
    return path


def _lay(place: Axes, plane: Tensor, latent: Latent) -> None:
    """Lays cells over a picture; those of what was mirrored at its edges lie outside and are cut off."""
    high, wide = latent.image_size
    rows, columns = (length * latent.stride for length in latent.values.shape[1:])
    top, left = (rows - high) // 2, (columns - wide) // 2
    options: dict[str, Any] = {"cmap": COLOURS, "vmin": 0, "vmax": 1, "interpolation": "nearest"}
    place.imshow(plane.numpy(), alpha=_VEIL, extent=(-left, columns - left, rows - top, -top), **options)
    place.set_xlim(0, wide)
    place.set_ylim(high, 0)


def _as_colours(components: list[Tensor]) -> Tensor:
    """[rows, columns, 3]; a component that is not there is black."""
    missing = [torch.zeros_like(components[0])] * (3 - len(components))
    return torch.stack([*components, *missing], -1)


def _scaled(plane: Tensor) -> Tensor:
    low, high = plane.min(), plane.max()
    return (plane - low) / (high - low).clamp_min(torch.finfo(plane.dtype).tiny)

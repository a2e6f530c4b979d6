"""What a U-Net makes of a picture with each skip connection switched off, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor

from regard.lens.fonts import families_for
from regard.lens.picture import check_picture_path, write_figure
from regard.lens.picture_panels import INTERPOLATION, picture_panels, show_picture
from regard.lens.titles import as_drawn
from regard.tasks.images.segmenter import Segmentation
from regard.tasks.images.skips import Result, Trial, likeness, restored

# What became of a pixel, and its colour: told apart by the colour-blind too (Okabe & Ito 2008).
_SAME, _LOST, _ADDED, _OTHER = 1, 2, 3, 4
_COLOURS = {
    _SAME: ("#F0E442", "as with all skips"),
    _LOST: ("#D55E00", "lost"),
    _ADDED: ("#0072B2", "added"),
    _OTHER: ("#CC79A7", "of another class"),
}
_VEIL, _COVER = 0.6, 0.95  # how far the colour of what is the same covers the picture, and that of a change
# Purple to orange: minus and plus for any colour vision, and zero is pale.
_SIGNED = "PuOr"


def skips_picture(found: Mapping[Trial, Result], path: str | Path, *, title: str = "") -> Path:
    """Draws the results of all trials beside each other and writes PNG, SVG or PDF.

    Of a segmentation each shows where it differs from that with all skips: what was lost, what was added. Of
    a restoration the difference is drawn below each result, on one scale.

    Args:
        found: from `regard.tasks.images.skips.results_without_skips`, that with all skips first.
        path: where to; the suffix chooses the format.
        title: above all.

    Raises:
        PictureError: see `regard.lens.picture.picture`.
    """
    path = check_picture_path(path)
    whole = next(iter(found.values()))
    with rc_context({"font.family": families_for([title]), "svg.fonttype": "path", "font.size": 9}):
        figure = _changes(found, whole) if isinstance(whole, Segmentation) else _restorations(found, whole)
        if title:
            figure.suptitle(as_drawn(title), fontweight="bold")
        write_figure(figure, path)
    return path


def changes_of(before: Tensor, after: Tensor) -> Tensor:
    """What became of each pixel's class.

    Args:
        before: [height, width], 0 is background.
        after: the same shape.

    Returns:
        [height, width]: 0 background as before, 1 a class as before, 2 lost to the background, 3 added, 4 of
        another class.

    Example:
        >>> changes_of(torch.tensor([[0, 1, 1, 0, 1]]), torch.tensor([[0, 1, 0, 2, 2]])).tolist()
        [[0, 1, 2, 3, 4]]
    """
    changes = torch.full_like(before, _OTHER)
    changes[before == after] = _SAME
    changes[(before != 0) & (after == 0)] = _LOST
    changes[(before == 0) & (after != 0)] = _ADDED
    return changes.masked_fill((before == 0) & (after == 0), 0)


def _changes(found: Mapping[Trial, Result], whole: Segmentation) -> Figure:
    image = whole.image
    figure, places = picture_panels(len(found) + 1, image.shape[1] / image.shape[2], lines=2)
    show_picture(places[0], image, "the picture")
    before, there = whole.probabilities.argmax(0), {_SAME}
    for place, (trial, result) in zip(places[1:], found.items(), strict=True):
        assert isinstance(result, Segmentation)  # as the first is
        show_picture(place, image.mean(0, keepdim=True), _heading(trial, result, whole))
        changes = changes_of(before, result.probabilities.argmax(0))
        there |= set(changes.flatten().tolist())
        _paint(place, changes, image)
    shown = [
        Patch(color=colour, label=name) for change, (colour, name) in _COLOURS.items() if change in there
    ]
    figure.legend(handles=shown, loc="outside lower center", ncols=len(shown), frameon=False)
    return figure


def _paint(place: Axes, changes: Tensor, image: Tensor) -> None:
    """Lays colours over a picture: as colours, for numbers would be mixed where pixels are made fewer."""
    palette = torch.zeros(len(_COLOURS) + 1, 4)
    for change, (colour, _) in _COLOURS.items():
        palette[change] = torch.tensor(to_rgba(colour, _VEIL if change == _SAME else _COVER))
    place.imshow(
        palette[changes].numpy(), extent=(0, image.shape[2], image.shape[1], 0), interpolation="nearest"
    )


def _restorations(found: Mapping[Trial, Result], whole: Result) -> Figure:
    """Two rows: the results, and what was made lighter or darker than with all skips."""
    image, full = whole.image, restored(whole)
    columns = len(found) + 1
    figure, places = picture_panels(2 * columns, image.shape[1] / image.shape[2], columns, lines=2)
    show_picture(places[0], image, "the picture")
    made = {trial: restored(result) for trial, result in found.items()}
    differences = {trial: (one - full).mean(0) for trial, one in made.items() if trial.off}
    bound = max(float(one.abs().max()) for one in differences.values()) or 1.0
    for place, (trial, one) in zip(places[1:], made.items(), strict=False):
        show_picture(place, one, _heading(trial, found[trial], whole))
    for place in places[columns:]:
        place.set_axis_off()
    for place, one in zip(places[columns + 2 :], differences.values(), strict=True):
        place.imshow(one.numpy(), cmap=_SIGNED, vmin=-bound, vmax=bound, interpolation=INTERPOLATION)
    # In the empty place below the result that all are compared with.
    beside = places[columns + 1].inset_axes((0.8, 0.05, 0.07, 0.9))
    bar = figure.colorbar(ScalarMappable(Normalize(-100 * bound, 100 * bound), _SIGNED), cax=beside)
    bar.outline.set_visible(False)
    beside.yaxis.set_ticks_position("left")
    beside.yaxis.set_label_position("left")
    bar.set_label("lighter than with\nall skips, % of white")
    return figure


def _heading(trial: Trial, result: Result, whole: Result) -> str:
    """The trial, and below it how like the result with all skips its own is."""
    if not trial.off:
        return trial.name
    like = likeness(result, whole)
    if "psnr" in like:
        said = "the same" if like["psnr"] is None else f"PSNR {like['psnr']:.1f} dB"
    else:
        said = "nothing in either" if like["dice"] is None else f"Dice {like['dice']:.3f}"
    return f"{trial.name}\n{said}"

"""Positional encodings as a heat map: a row for each position, a column for each dimension."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from torch import Tensor, nn

from regard.lens.picture import check_picture_path, write_figure
from regard.lens.titles import as_drawn
from regard.nn.positions import Alibi, Positions, Rotary


def position_encoding(model: nn.Module, length: int) -> tuple[Tensor, str] | None:
    """What a model knows of positions 0 … length - 1, and what its columns are.

    Sinusoidal and learned positions give the rows that are added to embeddings; rotary ones the cosines by
    which channels are turned; ALiBi what its steepest head takes from the score of each key.

    Args:
        model: any of our models.
        length: how many positions, or as many as the model has.

    Returns:
        [positions, columns] and the columns' name; None where a model has no such encoding (recurrent ones).

    Example:
        >>> from regard.nn.positions import Sinusoidal
        >>> encoding, columns = position_encoding(Sinusoidal(16, max_length=50), 20)
        >>> list(encoding.shape), columns
        ([20, 16], 'dimension')
    """
    for module in model.modules():
        if isinstance(module, Positions):
            return module.table[:length].detach(), "dimension"
        if isinstance(module, Rotary):
            return module.cosine[:length].detach(), "dimension of a head"
        if isinstance(module, Alibi):
            places = torch.arange(length, device=module.slopes.device)
            return -module.slopes.max() * (places[:, None] - places).abs(), "position of the key"
    return None


def positions_picture(
    encoding: Tensor, path: str | Path, *, title: str = "positional encoding", columns: str = "dimension"
) -> Path:
    """Draws an encoding and writes PNG, SVG or PDF.

    Args:
        encoding: [positions, width].
        path: where to; the suffix chooses the format.
        title: above the picture.
        columns: what the columns are called.

    Raises:
        ValueError: the encoding has no two dimensions.
        PictureError: see :func:`regard.lens.picture.picture`.

    Example:
        >>> import tempfile, torch
        >>> path = positions_picture(torch.randn(20, 16), Path(tempfile.mkdtemp()) / "positions.png")
        >>> path.name
        'positions.png'
    """
    if encoding.dim() != 2:
        raise ValueError(f"an encoding is [positions, width], got shape {list(encoding.shape)}")
    path = check_picture_path(path)
    values = encoding.detach().float().cpu()
    bound = float(values.abs().max()) or 1.0
    with rc_context({"svg.fonttype": "path", "font.size": 10}):
        figure = Figure(layout="constrained", figsize=(8.5, 5.5))
        axes = figure.subplots()
        # Purple to orange: tells minus from plus for any colour vision, and zero is pale.
        image = axes.imshow(
            values.numpy(), cmap="PuOr", vmin=-bound, vmax=bound, aspect="auto", interpolation="nearest"
        )
        axes.set_title(as_drawn(title), loc="left", fontweight="bold")
        axes.set_xlabel(columns)
        axes.set_ylabel("position")
        axes.spines[:].set_visible(False)
        figure.colorbar(image, ax=axes, aspect=30, pad=0.02).outline.set_visible(False)
        write_figure(figure, path)
    return path

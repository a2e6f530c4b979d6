"""Embeddings: which words are neighbours, and where training moved them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from regard.lens.fonts import families_for
from regard.lens.labels import label_points
from regard.lens.picture import check_picture_path, write_figure
from regard.lens.principal import principal_directions

_INK = "#2a788e"


@dataclass(frozen=True)
class Neighbour:
    """A row of an embedding near another: which, and the cosine of the angle between them."""

    index: int
    cosine: float


def neighbours(vectors: Tensor, to: int | Tensor, count: int = 10) -> list[Neighbour]:
    """The rows of ``vectors`` nearest by cosine to one of them, itself left out, or to a vector.

    Args:
        vectors: [rows, width].
        to: a row's number, or a vector [width].
        count: how many; fewer where there are fewer rows.

    Raises:
        ValueError: there is no such row.

    Example:
        >>> vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1]])
        >>> [found.index for found in neighbours(vectors, 0)]
        [2, 1]
        >>> [found.index for found in neighbours(vectors, torch.tensor([0.1, 1.0]), count=1)]
        [1]
    """
    if isinstance(to, int) and not 0 <= to < len(vectors):
        raise ValueError(f"the embedding has rows 0 to {len(vectors) - 1}; there is no row {to}")
    units = torch.nn.functional.normalize(vectors.detach().float(), dim=-1)
    towards = units[to] if isinstance(to, int) else torch.nn.functional.normalize(to.detach().float(), dim=-1)
    cosines = units @ towards
    if isinstance(to, int):
        cosines[to] = -torch.inf
    best = cosines.topk(min(count, len(vectors) - isinstance(to, int)))
    return [
        Neighbour(row, cosine)
        for row, cosine in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def principal_plane(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of ``vectors`` and the two directions along which they differ most (PCA).

    Args:
        vectors: [rows, width], two rows or more.

    Returns:
        mean [width], and directions [width, 2], each of length one and of a sign that does not depend
        on the library: its largest entry is positive.

    Raises:
        ValueError: fewer than two rows or columns.
    """
    if vectors.dim() != 2 or min(vectors.shape) < 2:
        raise ValueError(
            f"a plane needs two vectors of two dimensions or more, got shape {list(vectors.shape)}"
        )
    return principal_directions(vectors, 2)


def embeddings_picture(
    labels: Sequence[str], after: Tensor, path: str | Path, *, before: Tensor | None = None
) -> Path:
    """Draws words in the plane where their embeddings differ most, before training beside after.

    Each panel has a plane of its own. In the plane of the trained embedding the untrained one would seem to
    have learnt something already: training starts from it, so a little of its chance arrangement remains.

    Args:
        labels: the word of each row.
        after: [rows, width], trained.
        path: where to; the suffix chooses PNG, SVG or PDF.
        before: [rows, width], untrained; left out, there is one panel.

    Raises:
        ValueError: numbers of rows differ, or are too few.
        PictureError: see :func:`regard.lens.picture.picture`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "words.png"
        >>> embeddings_picture(["cat", "dog", "sea"], torch.randn(3, 8), path, before=torch.randn(3, 8)).name
        'words.png'
    """
    if len(labels) != len(after) or (before is not None and before.shape != after.shape):
        raise ValueError(f"{len(labels)} words do not fit embeddings of shape {list(after.shape)}")
    path = check_picture_path(path)
    panels = [] if before is None else [("before training", before)]
    panels.append(("after training", after))
    with rc_context({"font.family": families_for(labels), "svg.fonttype": "path", "font.size": 9}):
        figure = Figure(layout="constrained", figsize=(6.2 * len(panels), 6.2))
        places = []
        for axes, (title, vectors) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            flat = vectors.detach().double().cpu()
            mean, plane = principal_plane(flat)
            places.append((axes, (flat - mean) @ plane))
            _scatter(axes, places[-1][1])
            axes.set_title(title, loc="left", fontweight="bold")
        figure.draw_without_rendering()  # settles the layout, on which the places of the words depend
        figure.set_layout_engine("none")
        for axes, points in places:
            label_points(axes, labels, points.tolist())
        write_figure(figure, path)
    return path


def _scatter(axes: Axes, places: Tensor) -> None:
    axes.scatter(places[:, 0].numpy(), places[:, 1].numpy(), s=14, color=_INK, zorder=2)
    axes.margins(0.12)
    axes.axhline(0, color="0.88", linewidth=0.8, zorder=1)
    axes.axvline(0, color="0.88", linewidth=0.8, zorder=1)
    axes.tick_params(labelsize=7, colors="0.5", length=0)
    axes.spines[:].set_visible(False)

"""Attention maps as pictures: PNG or SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from regard.counted import counted
from regard.errors import UserError
from regard.lens.fonts import families_for
from regard.lens.map import AttentionMap
from regard.lens.panels import LOOKS, MOST_AREA, Panel, Sizes, Words, draw_grid
from regard.lens.terminal import heading
from regard.lens.titles import as_drawn
from regard.whole_file import write_atomically

_DPI = 160
_MOST_PIXELS = 48e6  # larger figures get fewer dots per inch: drawing takes some 13 bytes for each pixel


class PictureError(UserError):
    """A picture cannot be drawn; the message says why."""


def picture(maps: AttentionMap | Sequence[AttentionMap], path: str | Path, *, words: Words = LOOKS) -> Path:
    """Draws one or more maps below each other, each the mean of its heads, and writes PNG, SVG or PDF.

    Below a map's name stands how faithful it is, or why nobody knows.

    Args:
        maps: what to draw.
        path: where to; the suffix chooses the format.
        words: what rows, columns and colours are, if not attention.

    Returns:
        The path.

    Raises:
        PictureError: a suffix that is not .png, .svg or .pdf, a folder that is not there, or more maps than
            one picture has room for.

    Example:
        >>> import tempfile, torch
        >>> from regard.lens import Tokens
        >>> seen = AttentionMap("cross", torch.eye(2)[None], Tokens(("le", "chat")), Tokens(("the", "cat")))
        >>> picture(seen, Path(tempfile.mkdtemp()) / "map.png").stat().st_size > 1000
        True
    """
    listed = [maps] if isinstance(maps, AttentionMap) else list(maps)
    if not listed:
        raise PictureError("there is no attention map to draw")
    titles = [f"{heading(seen)}\n{seen.faithfulness.caption}" for seen in listed]
    grid = [
        [Panel(title, seen.mean(), seen.query_axis, seen.key_axis)]
        for title, seen in zip(titles, listed, strict=True)
    ]
    return _draw(grid, path, numbers=True, words=words)


def heads_picture(seen: AttentionMap, path: str | Path) -> Path:
    """Draws every head of a map beside the others on one colour scale, and writes PNG, SVG or PDF.

    Raises:
        PictureError: see :func:`picture`.
    """
    columns = min(seen.heads, math.ceil(math.sqrt(seen.heads)), 4)
    panels = [
        Panel(f"head {head}", seen.weights[head], seen.query_axis, seen.key_axis)
        for head in range(seen.heads)
    ]
    grid = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    return _draw(grid, path, numbers=False, title=f"{seen.name}\n{seen.faithfulness.caption}")


def _draw(
    grid: list[list[Panel]], path: str | Path, *, numbers: bool, title: str = "", words: Words = LOOKS
) -> Path:
    path = check_picture_path(path)
    panels = [panel for row in grid for panel in row]
    if (sizes := Sizes.of(grid)).area > MOST_AREA:
        width, height = sizes.figure
        raise PictureError(
            f"{path}: {counted(len(panels), 'map')} would take {width:.0f} × {height:.0f} inches; name fewer "
            "places (--at), or save a page for a browser, which has room for all (.html)"
        )
    texts = [title, *(text for panel in panels for text in (panel.title, *panel.labels))]
    with rc_context({"font.family": families_for(texts), "svg.fonttype": "path", "font.size": 9}):
        figure = draw_grid(grid, numbers=numbers, words=words)
        if title:
            figure.suptitle(as_drawn(title), fontweight="bold")
        write_figure(figure, path)
    return path


def check_picture_path(path: str | Path) -> Path:
    """The path of a picture that can be written.

    Raises:
        PictureError: a suffix that is not .png, .svg or .pdf, or a folder that is not there.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise PictureError(f"{path}: a picture ends in .png, .svg or .pdf; name it {path.stem}.png, say")
    if not path.parent.is_dir():
        raise PictureError(f"{path}: there is no folder {path.parent}; make it first")
    return path


def write_figure(figure: Figure, path: Path) -> None:
    """Writes a figure, nothing cut off.

    Raises:
        UserError: the file cannot be written.
    """
    width, height = figure.get_size_inches()
    dpi = min(_DPI, math.sqrt(_MOST_PIXELS / (width * height)))
    drawn = BytesIO()
    figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=dpi, bbox_inches="tight", pad_inches=0.15)
    write_atomically(path, drawn.getvalue())

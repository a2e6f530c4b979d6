"""The attention map as a heat map in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from regard.lens.map import AttentionMap

# Eight steps of viridis, which people with any colour vision read in the same order.
_VIRIDIS = (
    (68, 1, 84),
    (71, 44, 123),
    (58, 82, 139),
    (44, 114, 142),
    (32, 144, 140),
    (40, 174, 127),
    (94, 201, 97),
    (173, 220, 48),
    (253, 231, 36),
)
_SHADES = " ░▒▓█"
_LONGEST_LABEL = 16
_FAINT = 0.005
_QUIET = 0.1


class HeatMap:
    """A heat map that any rich console can print: a row for each query, a column for each key.

    Numbers are per cent. With colours a cell is painted; without (a file, a pipe, ``NO_COLOR``) it is
    shaded. Columns that do not fit beside each other go into further blocks below.

    Args:
        seen: what to draw; more than one head is averaged.
        title: a line above; by default the map's name and how many heads it averages.

    Example:
        >>> import torch
        >>> from regard.lens import Tokens
        >>> weights = torch.tensor([[[0.9, 0.1], [0.0, 1.0]]])
        >>> seen = AttentionMap("cross", weights, Tokens(("고양이", "chat")), Tokens(("the", "cat")))
        >>> Console(width=40, color_system=None).print(HeatMap(seen))
        cross
                  the   cat
        고양이   █ 90    10
        chat        ·  █100
    """

    def __init__(self, seen: AttentionMap, *, title: str | None = None) -> None:
        self.seen = seen
        self.title = heading(seen) if title is None else title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        weights = self.seen.mean()
        table = weights.tolist()
        top = max(float(weights.max()), 1e-9) if weights.numel() else 1.0
        rows = [cut(label, _LONGEST_LABEL) for label in self.seen.query_axis.labels]
        keys = [cut(label, _LONGEST_LABEL) for label in self.seen.key_axis.labels]
        margin = max([cell_len(label) for label in rows], default=0) + 1
        painted = console.color_system is not None and not console.no_color
        yield Text(self.title, style="bold")
        for number, block in enumerate(_blocks(keys, options.max_width - margin)):
            if number:
                yield Text()
            widths = [_width(keys[key]) for key in block]
            header = Text(" " * margin)
            for key, width in zip(block, widths, strict=True):
                header.append(_centred(keys[key], width) if painted else _right(keys[key], width))
            yield _ended(header, painted)
            for label, row in zip(rows, table, strict=True):
                line = Text(set_cell_size(label, margin))
                for key, width in zip(block, widths, strict=True):
                    line.append_text(_cell(row[key], row[key] / top, width, painted))
                yield _ended(line, painted)


def heading(seen: AttentionMap) -> str:
    """A map's name, and how many heads are averaged in what is drawn.

    Example:
        >>> import torch
        >>> from regard.lens import Tokens
        >>> heading(AttentionMap("decoder.2.cross", torch.ones(4, 1, 1), Tokens(("a",)), Tokens(("b",))))
        'decoder.2.cross · mean of 4 heads'
    """
    return seen.name if seen.heads == 1 else f"{seen.name} · mean of {seen.heads} heads"


def _ended(line: Text, painted: bool) -> Text:
    if not painted:
        line.rstrip()
    line.no_wrap = True
    return line


def cut(label: str, cells: int) -> str:
    """The label, or as much of it as goes into so many cells, of which Korean letters take two.

    Example:
        >>> cut("attention", 6), cut("어텐션", 6), cut("어텐션", 5)
        ('atten…', '어텐션', '어텐…')
    """
    return label if cell_len(label) <= cells else set_cell_size(label, cells - 1).rstrip() + "…"


def _width(label: str) -> int:
    return max(cell_len(label), 4) + 2


def _centred(text: str, width: int) -> str:
    left = (width - cell_len(text)) // 2
    return " " * left + text + " " * (width - cell_len(text) - left)


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text


def _blocks(labels: list[str], room: int) -> Iterator[list[int]]:
    """Splits the columns into blocks that fit into ``room`` cells, at least one column each."""
    block: list[int] = []
    used = 0
    for key, label in enumerate(labels):
        if block and used + _width(label) > room:
            yield block
            block, used = [], 0
        block.append(key)
        used += _width(label)
    if block:
        yield block


def _cell(weight: float, level: float, width: int, painted: bool) -> Text:
    number = f"{100 * weight:.0f}" if weight >= _FAINT else "·"
    if painted:
        return Text(_centred(number, width), style=_paint(level))
    shade = _SHADES[min(int(level * len(_SHADES)), len(_SHADES) - 1)] if weight >= _FAINT else " "
    return Text(_right(f"{shade}{number:>3}", width))


def _paint(level: float) -> Style:
    """The colour of a cell, and black or white on it, whichever is easier to read."""
    place = min(max(level, 0.0), 1.0) * (len(_VIRIDIS) - 1)
    low = min(int(place), len(_VIRIDIS) - 2)
    part = place - low
    red, green, blue = (
        round(a + (b - a) * part) for a, b in zip(_VIRIDIS[low], _VIRIDIS[low + 1], strict=True)
    )
    # Small weights step back: there are many of them, and the eye should find the large ones.
    ink = (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 115 else (255, 255, 255)
    if level < _QUIET:
        ink = (150, 130, 165)
    return Style(color=Color.from_rgb(*ink), bgcolor=Color.from_rgb(red, green, blue))

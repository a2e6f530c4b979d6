"""What heads do, in the terminal: a row for each place, a column for each head."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from regard.lens.measures.table import HeadFigures, HeadTable

_NONE = "·"
_CELL = 14  # cells of the widest role and its share


class HeadGrid:
    """A table that any rich console can print: each head's role and its share, in per cent.

    Below it is, for each place, how even, far and sure its heads look on average, and which look alike.

    Args:
        table: what to show.
    """

    def __init__(self, table: HeadTable) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        places = self.table.places
        widest = max(map(len, places))
        heads = max(map(len, places.values()))
        room = max((options.max_width - widest - 2) // (_CELL + 2), 1)
        for first in range(0, heads, room):
            if first:
                yield Text()
            yield _block(places, range(first, min(first + room, heads)))
        yield Text()
        yield _means(places)


def _block(places: dict[str, list[HeadFigures]], columns: range) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("place", no_wrap=True)
    for head in columns:
        table.add_column(f"head {head}", no_wrap=True)
    for place, heads in places.items():
        known = {head.head: head for head in heads}
        table.add_row(place, *(_cell(known.get(head)) for head in columns))
    return table


def _cell(head: HeadFigures | None) -> Text:
    if head is None:
        return Text()
    if head.role is None:
        return Text(_NONE, style="dim")
    return Text(f"{head.role} {100 * head.share:.0f}")


def _means(places: dict[str, list[HeadFigures]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("mean of heads", no_wrap=True)
    for name in ("entropy", "of possible", "distance", "largest"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("alike", no_wrap=True)
    for place, heads in places.items():
        even = [head.relative_entropy for head in heads if head.relative_entropy is not None]
        alike = [
            "+".join(str(head.head) for head in heads if head.cluster == number)
            for number in sorted({head.cluster for head in heads})
        ]
        count = len(heads)
        table.add_row(
            place,
            f"{sum(head.entropy for head in heads) / count:.2f}",
            f"{100 * sum(even) / len(even):.0f} %" if even else "",
            f"{sum(head.distance for head in heads) / count:.1f}",
            f"{100 * sum(head.confidence for head in heads) / count:.0f} %",
            " ".join(group for group in alike if "+" in group),
        )
    return table

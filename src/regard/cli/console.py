"""Where commands print: a terminal's width is kept to; into a file or a pipe no line is broken."""

from rich.console import Console, RenderableType

# Wider than any table: whoever reads a pipe (grep, cut, another program) wants whole rows.
_UNBROKEN = 100_000


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, or, where there is none, as any line."""
    found = Console(stderr=stderr)
    return found if found.is_terminal else Console(stderr=stderr, width=_UNBROKEN)


def show(*parts: RenderableType) -> None:
    """Prints tables, maps and texts on standard output; into a file or a pipe without spaces at line ends.

    Example:
        >>> from rich.table import Table
        >>> table = Table("name", "what it is", box=None, pad_edge=False)
        >>> table.add_row("soft", "every key has a weight")
        >>> show(table)
        name  what it is
        soft  every key has a weight
    """
    screen = console()
    if screen.is_terminal:
        for part in parts:
            screen.print(part, highlight=False)
        return
    with screen.capture() as captured:
        for part in parts:
            screen.print(part, highlight=False)
    for line in captured.get().splitlines():
        print(line.rstrip())

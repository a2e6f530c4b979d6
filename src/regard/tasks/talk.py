"""What a task tells whoever waits for it."""

from rich.console import Console


def say(console: Console | None, text: str) -> None:
    """Print a line as it is, without colours or wrapping; None is silent.

    Example:
        >>> say(None, "nobody hears this")
    """
    if console is not None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

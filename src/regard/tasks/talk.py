"""What a task tells whoever waits for it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console

T = TypeVar("T")

Each = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


def untold(done: int, of: int) -> None:
    """An `Each` for where nobody waits."""


def half(each: Each, second: bool) -> Each:
    """For the first or the second of two passes over as much, which are told as one.

    Example:
        >>> half(lambda done, of: print(f"{done} of {of}"), second=True)(1, 3)
        4 of 6
    """
    return lambda done, of: each(done + of * second, 2 * of)


def told(items: Sequence[T], each: Each) -> Iterator[T]:
    """The items, one after the other; `each` is told when one is done.

    Example:
        >>> [item for item in told("ab", lambda done, of: print(f"{done} of {of}"))]
        1 of 2
        2 of 2
        ['a', 'b']
    """
    for done, item in enumerate(items, 1):
        yield item
        each(done, len(items))


def say(console: Console | None, text: str) -> None:
    """Print a line as it is, without colours or wrapping; None is silent.

    Example:
        >>> say(None, "nobody hears this")
    """
    if console is not None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

"""Progress of work, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from regard.counted import counted

if TYPE_CHECKING:
    from regard.data.bar import Bar


def bar(total: int | None, name: str) -> Bar:
    """A bar where stderr is a terminal; elsewhere one that is not shown.

    Args:
        total: number of rows where known.
        name: what is done, such as "Aligning".
    """
    from rich.console import Console

    from regard.data.bar import Bar

    return Bar(Console(stderr=True) if sys.stderr.isatty() else None, total, name)


@contextmanager
def line_progress(done: str, *, unit: str = "line") -> Iterator[Callable[[int], None]]:
    """Counts lines, or what else: live where stderr is a terminal, and one sentence at the end either way.

    Args:
        done: what happens to the lines, such as "translated".
        unit: what one of them is.

    Yields:
        A function that is told how many more lines are done.
    """
    began, count = time.monotonic(), 0
    live = sys.stderr.isatty()

    def said() -> str:
        seconds = time.monotonic() - began
        speed = count / max(seconds, 1e-9)
        return f"{counted(count, unit)} {done} in {seconds:.1f} s ({speed:.1f} {unit}s/s)"

    def advance(lines: int) -> None:
        nonlocal count
        count += lines
        if live:
            print(f"\r{said()}", end="", file=sys.stderr, flush=True)

    yield advance
    print(f"\r{said()}" if live else said(), file=sys.stderr)

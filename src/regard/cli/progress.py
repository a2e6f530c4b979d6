"""Progress of work whose end is not known, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def line_progress(done: str) -> Iterator[Callable[[int], None]]:
    """Counts lines: live where stderr is a terminal, and one sentence at the end either way.

    Args:
        done: what happens to the lines, such as "translated".

    Yields:
        A function that is told how many more lines are done.
    """
    began, count = time.monotonic(), 0
    live = sys.stderr.isatty()

    def said() -> str:
        seconds = time.monotonic() - began
        return f"{count:,} lines {done} in {seconds:.1f} s ({count / max(seconds, 1e-9):.1f} lines/s)"

    def advance(lines: int) -> None:
        nonlocal count
        count += lines
        if live:
            print(f"\r{said()}", end="", file=sys.stderr, flush=True)

    yield advance
    print(f"\r{said()}" if live else said(), file=sys.stderr)

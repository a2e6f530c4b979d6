"""Progress of a run on the terminal: a bar where there is one, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_PLAIN_EVERY = 10.0  # seconds between two plain lines, so that a log file stays short


class Display:
    """Shows how far a run is, how fast, how long it will take and how well it goes.

    Args:
        console: where to write; None is silent.
        total: updates in the run.
        done: updates done before this process began.

    Example:
        >>> with Display(None, total=10, done=0) as display:
        ...     display.advance(1)
    """

    def __init__(self, console: Console | None, *, total: int, done: int) -> None:
        self._console = console
        self._total = total
        self._start = done, time.monotonic()
        self._spoke = -_PLAIN_EVERY
        self._bar: Progress | None = None
        if console is not None and console.is_terminal:
            self._bar = Progress(
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(elapsed_when_finished=True),
                TextColumn("{task.fields[figures]}"),
                console=console,
                refresh_per_second=4,
                speed_estimate_period=120,
            )
            self._task = self._bar.add_task("", total=total, completed=done, figures="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, update: int) -> None:
        """An update is done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=update)

    def figures(self, update: int, epoch: int, figures: Mapping[str, float]) -> None:
        """Show the figures of the log's latest line."""
        text = f"epoch {epoch}  loss {figures['loss']:.3f}"
        for name, value in figures.items():
            if name.endswith("_per_second"):
                text += f"  {value:,.0f} {name.removesuffix('_per_second')}/s"
        if figures["padding"]:
            text += f"  padding {figures['padding']:.1%}"
        if self._bar is not None:
            self._bar.update(self._task, figures=text)
        elif self._console is not None and time.monotonic() - self._spoke >= _PLAIN_EVERY:
            self._spoke = time.monotonic()
            self.say(f"update {update}/{self._total}  {text}  left {self._left(update)}")

    def validation(self, update: int, figures: Mapping[str, float], best: bool) -> None:
        """Show the figures of a validation."""
        text = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.say(f"update {update}: validation  {text}{'  (best so far)' if best else ''}")

    def say(self, text: str) -> None:
        """A line above the bar."""
        if self._console is not None:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _left(self, update: int) -> str:
        done, start = self._start
        seconds = round((time.monotonic() - start) / max(1, update - done) * (self._total - update))
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

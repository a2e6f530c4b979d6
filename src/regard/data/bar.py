"""A bar that shows how many rows are done, or none."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)


class Bar:
    """Shows progress while its block runs.

    Args:
        console: where; None shows nothing.
        total: number of rows where known.
        name: what is done, such as "Encoding train texts".

    Example:
        >>> with Bar(None, 2, "Reading") as bar:
        ...     bar.at(2)
    """

    def __init__(self, console: Console | None, total: int | None, name: str) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = (
            None if console is None else Progress(*columns, TimeRemainingColumn(), console=console)
        )
        self._total, self._name = total, name

    def __enter__(self) -> "Bar":
        if self._progress:
            self._progress.start()
            self._task = self._progress.add_task(self._name, total=self._total)
        return self

    def __exit__(self, *error: object) -> None:
        if self._progress:
            self._progress.stop()

    def at(self, rows: int, total: int | None = None) -> None:
        """So many are done, of as many as the total was, or turns out to be."""
        if self._progress:
            self._progress.update(self._task, completed=rows, total=total or self._total)

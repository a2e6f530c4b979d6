"""The next update's batches, made while this one is computed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """Calls a pure function of a number one number ahead, in a thread.

    Args:
        make: what is called; its errors are raised by `get`.
        last: the largest number that will be asked for.

    Example:
        >>> with Prefetch(lambda number: number**2, last=3) as squares:
        ...     [squares.get(number) for number in (1, 2, 3)]
        [1, 4, 9]
    """

    def __init__(self, make: Callable[[int], T], last: int) -> None:
        self._make = make
        self._last = last
        self._thread = ThreadPoolExecutor(1, "batches")
        self._ahead: tuple[int, Future[T]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def get(self, number: int) -> T:
        """What `make` gives for this number; begins on the next one."""
        ahead = self._ahead
        self._ahead = None
        made = ahead[1].result() if ahead is not None and ahead[0] == number else self._make(number)
        if number < self._last:
            self._ahead = number + 1, self._thread.submit(self._make, number + 1)
        return made

"""Stopping politely: SIGINT and SIGTERM end a run between two updates."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupted(SystemExit):
    """Training was asked to stop and has saved everything; its code is 130 for SIGINT, 143 for SIGTERM.

    Example:
        >>> Interrupted(signal.SIGTERM).code
        143
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class StopRequestedError(BaseException):
    """Raised in work that may be left half done, when a signal arrives."""


# A launcher and whoever stopped it both tell each process: the same request, twice within moments.
_ECHO_SECONDS = 2.0


class StopRequests:
    """Notes SIGINT and SIGTERM instead of dying of them. A second one, moments later, is obeyed at once.

    Example:
        >>> with StopRequests() as stop:
        ...     signal.raise_signal(signal.SIGTERM)
        ...     stop.received == signal.SIGTERM
        True
    """

    def __init__(self) -> None:
        self.received = 0
        self._since = 0.0
        self._previous: dict[int, Any] = {}
        self._breakable = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    @contextmanager
    def breakable(self) -> Iterator[None]:
        """Work inside is broken off with `StopRequestedError` when a signal arrives."""
        if self.received:
            raise StopRequestedError
        self._breakable = True
        try:
            yield
        finally:
            self._breakable = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.received:
            if now - self._since > _ECHO_SECONDS:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            return
        self.received, self._since = number, now
        if self._breakable:
            self._breakable = False
            raise StopRequestedError

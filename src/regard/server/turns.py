"""Who comes first is served first."""

from threading import Condition
from types import TracebackType


class Turns:
    """A lock that threads get in the order in which they came.

    A plain lock goes to whoever is quickest, and that is the thread that has just let it go.

    Example:
        >>> turns = Turns()
        >>> with turns:
        ...     "mine"
        'mine'
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._given = 0
        self._served = 0

    def __enter__(self) -> None:
        with self._changed:
            number = self._given
            self._given += 1
            self._changed.wait_for(lambda: self._served == number)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._served += 1
            self._changed.notify_all()

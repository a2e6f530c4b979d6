"""What someone who looks wants to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Queries = Literal["all"] | Sequence[int]
Keep = Literal["weights", "summary", "gradients"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which places, heads and queries, and what to keep of them; :meth:`of` checks what a user says.

    Attributes:
        at: shell patterns over names of places.
        heads: which heads; None for all.
        queries: positions in a run, those below zero from its end; None for all.
        keep: whole rows of weights, with the gradients by them or without, or figures of them.
        top: how many keys of each query a summary names.
    """

    at: tuple[str, ...] = ("*",)
    heads: tuple[int, ...] | None = None
    queries: tuple[int, ...] | None = None
    keep: Keep = "weights"
    top: int = 8

    @classmethod
    def of(
        cls, at: str | Iterable[str], heads: Sequence[int] | None, queries: Queries, keep: Keep, top: int
    ) -> Wanted:
        """Checks what can be checked before a model runs.

        Raises:
            ValueError: an argument makes no sense; the message says which, and what would.

        Example:
            >>> Wanted.of("encoder.*", None, [-1, 0], "weights", 8).queries
            (-1, 0)
        """
        patterns = (at,) if isinstance(at, str) else tuple(at) if isinstance(at, Iterable) else ()
        if not patterns or not all(isinstance(one, str) and one for one in patterns):
            raise ValueError(f"at is a pattern of places such as 'encoder.*', or several; got {at!r}")
        if isinstance(queries, str) and queries != "all":
            raise ValueError(f"queries are positions, such as [0, -1], or 'all'; got {queries!r}")
        if keep not in ("weights", "summary", "gradients"):
            raise ValueError(f"keep is 'weights', 'summary' or 'gradients', got {keep!r}")
        if keep == "summary" and not isinstance(queries, str):
            raise ValueError("a summary is of all queries; leave queries out, or keep='weights'")
        if top < 1:
            raise ValueError(f"top is how many keys of each query a summary names, one at least; got {top}")
        return cls(
            at=patterns,
            heads=None if heads is None else _numbers("heads", heads),
            queries=None if isinstance(queries, str) else _numbers("queries", queries),
            keep=keep,
            top=top,
        )

    def looks_at(self, name: str) -> bool:
        """Whether a place is wanted."""
        return any(fnmatchcase(name, pattern) for pattern in self.at)

    def heads_of(self, name: str, available: int) -> list[int]:
        """The heads wanted at a place that has so many.

        Raises:
            ValueError: it has no such head.

        Example:
            >>> Wanted(heads=(3,)).heads_of("encoder.0", 2)
            Traceback (most recent call last):
            ...
            ValueError: encoder.0 has heads 0 to 1; there is no head 3
        """
        for head in self.heads or ():
            if not 0 <= head < available:
                raise ValueError(f"{name} has heads 0 to {available - 1}; there is no head {head}")
        return list(range(available) if self.heads is None else self.heads)

    def rows_of(self, first: int, count: int) -> list[int]:
        """Which rows of a call are wanted, or may turn out to be once a run has ended.

        Args:
            first: position of the call's first query in the run.
            count: how many queries the call has.

        Example:
            >>> Wanted(queries=(0, -2)).rows_of(3, 4)
            [2, 3]
        """
        return [position - first for position in self.among(first + count) if first <= position]

    def among(self, length: int) -> list[int]:
        """Of a run that is so long as yet, the positions that are wanted or may turn out to be.

        A position counted from the end is one of the last, and the run may go on: all of these are named.
        """
        if self.queries is None:
            return list(range(length))
        last = range(max(0, length - max((-one for one in self.queries), default=0)), length)
        return sorted({*last, *(one for one in self.queries if 0 <= one < length)})

    def final(self, length: int) -> list[int]:
        """The positions that are wanted of a run that has ended.

        Example:
            >>> Wanted(queries=(0, -2)).final(7)
            [0, 5]
        """
        if self.queries is None:
            return list(range(length))
        return sorted({one % length for one in self.queries if -length <= one < length})


def _numbers(name: str, given: Iterable[int]) -> tuple[int, ...]:
    """Each once, in order."""
    numbers = tuple(given) if isinstance(given, Iterable) else (None,)
    if not all(type(one) is int for one in numbers):
        raise ValueError(f"{name} are whole numbers, such as [0, 2]; got {given!r}")
    return tuple(dict.fromkeys(numbers))

"""What becomes of the heads at a place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Literal

from regard.lens.capture.edited import Changes

HowMuch = float | Literal["uniform"]
Which = int | Literal["all"]


class NoSuchHeadError(ValueError):
    """An edit is of a head, or of a place, that the model has not."""


@dataclass(frozen=True, slots=True)
class HeadEdits:
    """Factors of heads, and heads whose weights are all equal.

    Attributes:
        named: what becomes of a head.
        others: what becomes of those that are not named; 1 leaves them.

    Example:
        >>> edits = HeadEdits.of("encoder.2", {"heads": {"all": 0.5, 1: "uniform"}})
        >>> edits.changes("encoder.2.self", heads=3)
        Changes(factors=(0.5, 1.0, 0.5), even=(False, True, False))
    """

    named: Mapping[int, HowMuch]
    others: HowMuch = 1.0

    @classmethod
    def of(cls, key: str, given: object) -> HeadEdits:
        """Checks what a user says.

        Args:
            key: the name that it is said of.
            given: what is said.

        Raises:
            ValueError: it makes no sense; the message says what would.

        Example:
            >>> HeadEdits.of("encoder.2", {"heads": {3: "off"}})
            Traceback (most recent call last):
            ...
            ValueError: encoder.2, head 3: give a finite number (0 is off, 1 as it is) or 'uniform'; got 'off'
        """
        if (
            not isinstance(given, Mapping)
            or set(given) != {"heads"}
            or not isinstance(given["heads"], Mapping)
        ):
            raise ValueError(
                f"{key}: an edit is a mapping such as {{'heads': {{3: 0.0}}}}, from heads to what becomes of "
                f"them; got {given!r}"
            )
        named: dict[int, HowMuch] = {}
        others: HowMuch = 1.0
        for head, what in given["heads"].items():
            how_much = _how_much(key, head, what)
            if head == "all":
                others = how_much
            elif type(head) is int and head >= 0:
                named[head] = how_much
            else:
                raise ValueError(f"{key}: heads are whole numbers from 0 on, or 'all'; got {head!r}")
        return cls(named, others)

    @property
    def idle(self) -> bool:
        """Whether it leaves every head as it is."""
        return all(what == 1.0 for what in (self.others, *self.named.values()))

    def changes(self, place: str, heads: int) -> Changes:
        """What is changed at a place that has so many heads.

        Raises:
            NoSuchHeadError: it has no such head.
        """
        for head in self.named:
            if head >= heads:
                raise NoSuchHeadError(f"{place} has heads 0 to {heads - 1}; there is no head {head}")
        each = [self.named.get(head, self.others) for head in range(heads)]
        return Changes(
            tuple(1.0 if what == "uniform" else float(what) for what in each),
            tuple(what == "uniform" for what in each),
        )


def _how_much(key: str, head: object, what: object) -> HowMuch:
    if what == "uniform":
        return "uniform"
    if isinstance(what, Real) and not isinstance(what, bool) and math.isfinite(what):
        return float(what)
    raise ValueError(
        f"{key}, head {head}: give a finite number (0 is off, 1 as it is) or 'uniform'; got {what!r}"
    )

"""Numbers that do not depend on the batch.

The same input in another batch gets numbers that differ in the last bits. Rounded they are the same, unless
one lies near a border of rounding; but that is seen, and the input is then answered again alone. It is how
`regard.decoding.invariance` decides near-ties, for what is written instead of for what is decided.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")

# Decimals, and several times the largest difference that was ever seen between batches.
PROBABILITY, PROBABILITY_NOISE = 4, 1e-5
SCORE, SCORE_NOISE = 3, 2e-5


def settled(value: float, digits: int, noise: float) -> bool:
    """Whether noise cannot change the value once it is rounded.

    Example:
        >>> settled(0.12344, 4, 1e-6), settled(0.1234499, 4, 1e-6)
        (True, False)
    """
    if not math.isfinite(value):
        return True
    scaled = value * 10**digits - 0.5
    return bool(abs(scaled - round(scaled)) > noise * 10**digits)


def answered_alike(
    answer: Callable[[Sequence[Given]], list[Result]],
    given: Sequence[Given],
    numbers: Callable[[Result], Iterable[float]],
    digits: int,
    noise: float,
) -> list[Result]:
    """Results of a batch whose rounded numbers are those that each would have alone.

    Args:
        answer: what makes them.
        given: what of.
        numbers: that are told of a result.
        digits: that they are rounded to.
        noise: by how much a batch changes them at most.

    Example:
        >>> batch = lambda xs: [x + 1e-7 * len(xs) for x in xs]
        >>> found = answered_alike(batch, [0.5, 0.12345 - 1.5e-7], lambda x: [x], 4, 1e-6)
        >>> [round(x, 4) for x in found]
        [0.5, 0.1234]
    """
    results = answer(given)
    if len(given) > 1:
        for place, result in enumerate(results):
            if not all(settled(value, digits, noise) for value in numbers(result)):
                (results[place],) = answer([given[place]])
    return results

"""Some examples with known answers, the same ones each time that a model is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """Examples, and what a model makes of them.

    Attributes:
        name: of the data.
        unit: what an example is, such as "sentence".
        weights: [examples], what the loss of each is a sum over: target tokens, or one.
        losses: gives [examples], float64: the loss of each, summed over its tokens.
        figure: the name of the task's figure.
        measure: gives it, of all examples together.
    """

    name: str
    unit: str
    weights: Tensor
    losses: Callable[[], Tensor]
    figure: str
    measure: Callable[[], float]


def spread(count: int, wanted: int) -> list[int]:
    """So many rows of a data set, evenly spread; all of them if there are no more.

    Example:
        >>> spread(10, 4), spread(2, 4)
        ([0, 2, 5, 7], [0, 1])
    """
    few = min(count, wanted)
    return [row * count // few for row in range(few)]

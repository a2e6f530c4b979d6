"""Where a run is: everything, besides weights and moments, that decides how it goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from regard.training.window import Window

_FALLING = ("loss", "perplexity", "error")


@dataclass
class RunState:
    """State of a run between two updates; epoch and step follow from the update.

    Attributes:
        update: updates done.
        validated: the update last validated.
        best: best value of the metric so far, None before the first.
        best_update: where it was reached.
        waited: validations since then.
        recent: the latest validated updates, whose weights are kept to be averaged.
        seconds: time trained, over all processes that went on with the run.
        window: sums since the last line of the log.
    """

    update: int = 0
    validated: int = 0
    best: float | None = None
    best_update: int = 0
    waited: int = 0
    recent: list[int] = field(default_factory=list)
    seconds: float = 0.0
    window: Window = field(default_factory=Window)

    def record(self, metric: str, figures: Mapping[str, float], average: int) -> bool:
        """Take in a validation; True where it is the best so far.

        A task without validation data gives no figures; then the latest weights are the best.

        Example:
            >>> state = RunState(update=10)
            >>> state.record("loss", {"loss": 2.0}, average=2), state.best_update
            (True, 10)
        """
        self.validated = self.update
        self.recent = [*self.recent, self.update][-average:]
        value = figures.get(metric)
        if value is None or is_better(metric, value, self.best):
            self.best, self.best_update, self.waited = value, self.update, 0
            return True
        self.waited += 1
        return False

    def weights_needed(self) -> set[int]:
        """Updates whose weights the end of the run may ask for."""
        return {*self.recent, *([self.best_update] if self.best_update else [])}

    def plain(self) -> dict[str, Any]:
        """The state as JSON can hold it, once its window is in plain numbers."""
        return asdict(self)

    @classmethod
    def from_plain(cls, numbers: Mapping[str, Any]) -> Self:
        """The state that `plain` gave."""
        return cls(**{**numbers, "window": Window(**numbers["window"])})


def is_better(metric: str, value: float, than: float | None) -> bool:
    """Whether a value of the metric beats another; losses, perplexities and errors are better when low.

    Example:
        >>> is_better("loss", 1.0, 2.0), is_better("bleu", 1.0, 2.0), is_better("bleu", 1.0, None)
        (True, False, True)
    """
    if math.isnan(value):
        return False
    if than is None:
        return True
    return value < than if any(word in metric for word in _FALLING) else value > than

"""One run of one attention over its queries: at once, or step by step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from regard.lens.capture.gradient import Gradient
from regard.lens.capture.record import LayerAttention, along_queries
from regard.lens.capture.summary import Summary, join
from regard.lens.capture.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Step:
    """What was found in one call.

    Attributes:
        positions: of the rows, in the run.
        found: weights [batch, heads, rows, keys], or a summary, on the CPU.
        error: see :class:`LayerAttention`.
        gradient: waits for that by the weights, where it was asked for.
    """

    positions: list[int]
    found: Tensor | Summary
    error: float | None
    gradient: Gradient | None = None


class Run:
    """Joins the calls of one run, of which each adds queries.

    Args:
        batch: how many inputs.

    Attributes:
        queries: how many queries there were so far.
        keys: how many keys the last call had.
        call: the number of the model's call that the last of them was in.
        heads: which heads are kept.
    """

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.queries = self.keys = self.call = 0
        self.heads: list[int] = []
        self._steps: list[Step] = []

    @property
    def kept(self) -> bool:
        """Whether anything was found."""
        return bool(self._steps)

    def add(self, step: Step, wanted: Wanted) -> None:
        """Takes a call in, and lets go of rows that, counted from the end, are none of the last any more."""
        self._steps.append(step)
        if wanted.queries is None:
            return
        still = set(wanted.among(self.queries))
        self._steps = [_only(step, still) for step in self._steps]

    def record(self, name: str, wanted: Wanted) -> LayerAttention:
        """What was seen, as it is now."""
        errors = [step.error for step in self._steps]
        known = [error for error in errors if error is not None]
        final = set(wanted.final(self.queries))
        steps = self._steps if wanted.queries is None else [_only(step, final) for step in self._steps]
        return LayerAttention(
            name=name,
            heads=tuple(self.heads),
            queries=tuple(position for step in steps for position in step.positions),
            length=self.queries,
            keys=self.keys,
            error=max(known) if len(known) == len(errors) else None,
            kept=self._joined(steps),
            waiting=tuple(step.gradient for step in steps if step.gradient is not None),
        )

    def _joined(self, steps: list[Step]) -> Tensor | Summary:
        summaries = [step.found for step in steps if isinstance(step.found, Summary)]
        if summaries:
            return join(summaries)
        return along_queries([step.found for step in steps if isinstance(step.found, Tensor)], self.keys)


def _only(step: Step, positions: set[int]) -> Step:
    rows = [row for row, position in enumerate(step.positions) if position in positions]
    if len(rows) == len(step.positions) or not isinstance(step.found, Tensor):
        return step
    gradient = None if step.gradient is None else step.gradient.only(rows)
    return Step([step.positions[row] for row in rows], step.found[:, :, rows], step.error, gradient)

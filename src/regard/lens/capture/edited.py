"""Calls whose heads were changed on their way: what was then attended to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from regard.lens.capture.block import Block, Recomputed


@dataclass(frozen=True, slots=True)
class Changes:
    """What is changed of the heads of a call; ``&`` is one change after the other, in any order.

    Attributes:
        factors: of each head's weights.
        even: whether each head's weights are equal on all that a query may see.

    Example:
        >>> Changes((1.0, 0.5), (True, False)) & Changes((0.0, 0.5), (False, False))
        Changes(factors=(0.0, 0.25), even=(True, False))
    """

    factors: tuple[float, ...]
    even: tuple[bool, ...]

    def __and__(self, other: Changes) -> Changes:
        return Changes(
            tuple(one * two for one, two in zip(self.factors, other.factors, strict=True)),
            tuple(one or two for one, two in zip(self.even, other.even, strict=True)),
        )

    def scaled(self, x: Tensor, heads: Sequence[int] | None = None) -> Tensor:
        """What each head gives times its factor; of a head that is off nothing is left, not even nan.

        Args:
            x: [..., heads, rows, size].
            heads: which heads these are; all by default.
        """
        factors = self.factors if heads is None else tuple(self.factors[head] for head in heads)
        if all(factor == 1.0 for factor in factors):
            return x
        of_heads = torch.tensor(factors, dtype=x.dtype, device=x.device)[:, None, None]
        return (x * of_heads).masked_fill(of_heads == 0, 0.0)

    def which_even(self, device: torch.device) -> Tensor:
        """[heads, 1, 1], true for a head of equal weights."""
        return torch.tensor(self.even, device=device)[:, None, None]


class Editing(TorchFunctionMode, ABC):
    """A function mode that changes heads. It lies beneath every mode that looks."""

    @abstractmethod
    def changes(self, module: nn.Module | None, heads: int) -> Changes | None:
        """What it changes of attention that runs in a module and has so many heads; None if nothing."""


def edited(call: Recomputed, module: nn.Module) -> Recomputed:
    """The call as it was, all edits that are on having changed it.

    Args:
        call: what the module was given, and the output that it gave with its heads changed.
        module: in which it ran.
    """
    modes = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
    heads = call.shape[1]
    changes = [mode.changes(module, heads) for mode in modes if isinstance(mode, Editing)]
    known = [change for change in changes if change is not None]
    if not known:
        return call
    joined = reduce(and_, known)
    return EditedCall(call.even(joined) if any(joined.even) else call, joined)


@dataclass(frozen=True)
class EditedCall(Recomputed):
    """A call of which heads were scaled.

    Attributes:
        call: as it would be without factors.
        by: the factors.
    """

    call: Recomputed
    by: Changes

    @property
    def query(self) -> Tensor:  # type: ignore[override]
        """Of the call."""
        return self.call.query

    @property
    def key(self) -> Tensor:  # type: ignore[override]
        """Of the call."""
        return self.call.key

    @property
    def value(self) -> Tensor:  # type: ignore[override]
        """Of the call."""
        return self.call.value

    @property
    def output(self) -> Tensor:  # type: ignore[override]
        """What came of it in the end."""
        return self.call.output

    @property
    def made(self) -> Tensor:  # type: ignore[override]
        """What the model goes on with."""
        return self.call.made

    @property
    def drops(self) -> bool:  # type: ignore[override]
        """As the call."""
        return self.call.drops

    @property
    def whole(self) -> bool:  # type: ignore[override]
        """As the call."""
        return self.call.whole

    @property
    def dtype(self) -> torch.dtype:
        """Of the call."""
        return self.call.dtype

    def even(self, changes: Changes) -> Recomputed:
        """With equal weights as well."""
        return EditedCall(self.call.even(changes), self.by)

    def finish(self, context: Tensor, rows: Sequence[int]) -> Tensor:
        """As the call."""
        return self.call.finish(context, rows)

    def to_context(self) -> Callable[[Tensor], Tensor]:
        """As the call: contexts are those with their factors."""
        return self.call.to_context()

    def blocks(self, heads: Sequence[int], rows: Sequence[int]) -> Iterator[Block]:
        """Weights and contexts times their heads' factors."""
        for block in self.call.blocks(heads, rows):
            kept = all(self.by.factors[head] == 1.0 for head in block.heads)
            yield Block(
                block.heads,
                block.rows,
                self.by.scaled(block.weights, block.heads),
                self.by.scaled(block.context, block.heads),
                block.empty,
                block.scores if kept else None,
            )

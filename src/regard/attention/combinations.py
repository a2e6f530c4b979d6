"""Combinations that make no sense, in one place, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from regard.attention.local_predictive import LocalPredictive
from regard.attention.scopes import (
    All,
    Band,
    Causal,
    Documents,
    LocalMonotonic,
    Others,
    Scope,
    Window,
)
from regard.attention.selections import Hard, Selection


@dataclass(frozen=True, slots=True)
class Combination:
    """What the rules below look at."""

    scope: Scope
    selection: Selection
    dropout: float

    def has(self, *kinds: type[Scope]) -> bool:
        """Whether a part of the scope is of one of these kinds."""
        return any(isinstance(part, kinds) for part in self.scope.parts)

    def count(self, kind: type[Scope]) -> int:
        """How many parts of the scope are of this kind."""
        return sum(isinstance(part, kind) for part in self.scope.parts)

    @property
    def sees_itself_only(self) -> bool:
        """Whether windows leave a query no key but its own."""
        bands = [part for part in self.scope.parts if isinstance(part, Band)]
        before = min((band.before for band in bands), default=1)
        after = min((band.after for band in bands), default=1)
        return not before and (not after or self.has(Causal))


NONSENSE: tuple[tuple[Callable[[Combination], bool], str], ...] = (
    (
        lambda c: c.has(LocalPredictive) and c.has(Causal),
        "local-p predicts a centre anywhere in the row, S · sigmoid(…), and S counts keys that causal hides: "
        "the centre would know the future; use local-m or Window with Causal",
    ),
    (
        lambda c: c.has(LocalPredictive) and c.has(Window, LocalMonotonic),
        "local-p already looks at a window around its predicted centre; a second window around the "
        "query's own position would leave some queries nothing to see",
    ),
    (lambda c: c.count(LocalPredictive) > 1, "two local-p scopes predict two centres for one query"),
    (
        lambda c: c.has(LocalMonotonic) and c.has(Window),
        "local-m counts queries from 0 and Window counts them from the end of the keys: one query cannot "
        "be at two positions",
    ),
    (
        lambda c: c.has(LocalPredictive, LocalMonotonic) and c.has(Documents),
        "local-m and local-p place a query by its number in the whole row, which means nothing where several "
        "documents share the row; use Window",
    ),
    (
        lambda c: c.has(LocalPredictive, LocalMonotonic) and c.has(Others),
        "local-m and local-p align two sequences, where no key is the query itself, which Others leaves out; "
        "use Window",
    ),
    (
        lambda c: c.has(Others) and c.sees_itself_only,
        "the window leaves a query only itself, and Others leaves that out: there is nothing to see; use a "
        "wider Window",
    ),
    (
        lambda c: c.has(LocalPredictive) and isinstance(c.selection, Hard),
        "local-p multiplies the weights by a Gaussian after the selection, but a hard selection gives its "
        "one key the weight 1; use Soft, Sparsemax, Entmax15 or Sigmoid",
    ),
    (
        lambda c: c.dropout > 0 and isinstance(c.selection, Hard),
        "dropout on the one weight of a hard selection would drop all it reads; drop the context",
    ),
)


def refuse_nonsense(scope: Scope, selection: Selection, dropout: float) -> None:
    """Raise for a combination that makes no sense.

    Raises:
        ValueError: saying why.

    Example:
        >>> from regard.attention import Hard, Padding, Soft
        >>> refuse_nonsense(Window(2) & Causal(), Soft(), 0.1)
        >>> refuse_nonsense(Window(2), Hard(), 0.1)
        Traceback (most recent call last):
        ...
        ValueError: dropout on the one weight of a hard selection would drop all it reads; drop the context
    """
    if not dropout and not isinstance(scope, (All, LocalPredictive)):
        return  # each rule is about dropout, local-p or scopes joined; most calls have none of these
    combination = Combination(scope, selection, dropout)
    for applies, reason in NONSENSE:
        if applies(combination):
            raise ValueError(reason)

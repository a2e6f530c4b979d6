"""Regard's own attention, of every kind, through the same door."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from regard.attention import Additive, Attended, Attention, Documents, Global, Hard, Scope, attend
from regard.attention.attend import position_of_first_query
from regard.attention.kernels.budget import budget
from regard.attention.kernels.reference import per_head
from regard.lens.capture.block import ON_CPU, Block, Recomputed, chunks, take
from regard.lens.capture.edited import Changes, edited
from regard.lens.capture.even import even
from regard.lens.capture.observer import Observer
from regard.lens.capture.watch import Watch


def observed(
    observer: Observer, watch: Watch, name: str, module: Attention, original: Callable[..., Attended]
) -> Callable[..., Attended]:
    """The module's forward, such that the observer is told of what it did.

    Called with ``rows``, by someone who asks for weights at the same time, it raises a ``ValueError``.
    """

    def forward(query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Attended:
        if not observer.here:
            return original(query, key, value, **options)
        if options.get("rows") is not None:
            raise ValueError(f"{name}: this call asks for weights itself and cannot be looked at")
        # A key that was drawn is drawn but once.
        draws = isinstance(module.selection, Hard) and observer.wanted.looks_at(name)
        with watch.aside():
            attended = original(query, key, value, **(options | {"rows": "all"} if draws else options))
            batch, _, queries, _ = query.shape
            call = OwnCall(module, query, key, value, options, attended.weights, attended.context)
            # Drawn weights are as they were used already.
            observer.saw(
                name, (batch, queries, key.shape[2]), lambda: call if draws else edited(call, module)
            )
        return replace(attended, weights=None) if draws else attended

    return forward


@dataclass(frozen=True)
class OwnCall(Recomputed):
    """A call of :class:`regard.attention.Attention`.

    Attributes:
        module: whose it was.
        query: [batch, heads, queries, dim].
        key: [batch, kv_heads, keys, dim].
        value: [batch, kv_heads, keys, value_dim].
        options: of the call, by name.
        weights: [batch, heads, queries, keys] where a selection drew them, which cannot be done again.
        output: the context that it gave, with which the model goes on.
        changes: which heads have equal weights instead of those that the module gives them.
    """

    module: Attention
    query: Tensor
    key: Tensor
    value: Tensor
    options: dict[str, Any]
    weights: Tensor | None
    output: Tensor
    changes: Changes | None = None

    @property
    def made(self) -> Tensor:  # type: ignore[override]
        """The context itself."""
        return self.output

    @property
    def dtype(self) -> torch.dtype:
        """Of the context: under autocast the arguments were cast to it."""
        return self.output.dtype

    @property
    def drops(self) -> bool:  # type: ignore[override]
        """Whether the module drops weights now."""
        return self.module.training and self.module.dropout > 0

    def even(self, changes: Changes) -> OwnCall:
        """Some heads as if the module could not tell keys apart."""
        return replace(self, changes=changes)

    def blocks(self, heads: Sequence[int], rows: Sequence[int]) -> Iterator[Block]:
        """Rows that are neighbours, by the reference kernel, which reads their values in the same breath."""
        batch, _, _, keys = self.shape
        hidden = self.key.shape[3] if isinstance(self.module.score, Additive) else 1
        room = budget(self.query.device, ON_CPU) // (batch * self.shape[1] * keys * hidden)
        wide = torch.promote_types(self.dtype, torch.float32)
        given = [x.to(self.dtype).to(wide) for x in (self.query, self.key, self.value)]
        for neighbours in _neighbours(rows):
            for few in chunks(neighbours, max(1, room)):
                weights, context = self._drawn(few) if self.weights is not None else self._again(few, *given)
                yield Block(heads, few, take(weights, 1, heads), take(context, 1, heads))

    def _drawn(self, rows: Sequence[int]) -> tuple[Tensor, Tensor]:
        assert self.weights is not None
        weights = take(self.weights, 2, rows)
        return weights, weights @ per_head(self.value.to(weights.dtype), weights.shape[1])

    def _again(self, rows: Sequence[int], query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        module, scope = self.module, self.options.get("scope", Global()) & self.module.scope
        first = self.options.get("first_query")
        if first is None:
            first = position_of_first_query(scope, *self.shape[2:])
        given: dict[str, Any] = {
            "scope": _of_rows(scope, rows),
            "first_query": first + rows[0],
            "rows": "all",
            "kernel": "reference",
        }
        query = take(query, 2, rows)
        again = attend(
            query,
            key,
            value,
            score=module.score,
            selection=module.selection,
            slopes=self.options.get("slopes"),
            prepared=self.options.get("prepared", False),
            **given,
        )
        assert again.weights is not None
        if self.changes is None:
            return again.weights, again.context
        level = even(query, key, value, **given)
        assert level.weights is not None
        heads = self.changes.which_even(query.device)
        weights = torch.where(heads, level.weights, again.weights)
        return weights, torch.where(heads, level.context, again.context)


def _of_rows(scope: Scope, rows: Sequence[int]) -> Scope:
    """The scope for some of the queries: documents may name them one by one."""
    narrowed: Scope = Global()
    for part in scope.parts:
        if isinstance(part, Documents) and part.queries is not None:
            part = Documents(part.keys, take(part.queries, 1, rows))
        narrowed = narrowed & part
    return narrowed


def _neighbours(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Splits rows where one is left out.

    Example:
        >>> list(_neighbours([0, 1, 5, 6]))
        [[0, 1], [5, 6]]
    """
    start = 0
    for at, (one, next_one) in enumerate(pairwise(rows), start=1):
        if next_one != one + 1:
            yield rows[start:at]
            start = at
    if len(rows):
        yield rows[start:]

"""Capture: what a model attends to while it runs as it always runs.

Fused kernels give no weights. So each attention that is looked at is asked, by hooks, for the weights of the
query rows that are wanted; it computes them beside its kernel, in memory rows × keys. The model's own work is
left alone: its outputs, gradients and random numbers are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from regard.attention import Attended
from regard.lens.map import AttentionMap, Axis
from regard.lens.names import attention_places, choose_places


class Pass:
    """One run of one attention over its queries: at once, or step by step.

    Attributes:
        positions: the query positions that were kept, in order.
    """

    def __init__(self, batch: int, keys: int) -> None:
        self.batch = batch
        self.keys = keys
        self.queries = 0
        self.positions: list[int] = []
        self._pieces: list[Tensor] = []

    def continues(self, batch: int, queries: int, keys: int) -> bool:
        """Whether a call of these sizes is the next step of this run rather than the start of another."""
        return queries == 1 and batch == self.batch and keys >= self.keys

    def add(self, weights: Tensor, positions: Sequence[int], queries: int, keys: int) -> None:
        """Joins the rows of one call, [batch, heads, rows, keys], below those that came before."""
        self._pieces.append(weights)
        self.positions.extend(positions)
        self.queries += queries
        self.keys = keys

    @property
    def weights(self) -> Tensor:
        """[batch, heads, kept queries, keys]; a key that was not there yet has weight zero."""
        widened = [nn.functional.pad(piece, (0, self.keys - piece.shape[-1])) for piece in self._pieces]
        return torch.cat(widened, dim=2)


class Captured(Mapping[str, Tensor]):
    """What a model attended to: a mapping from a place's name to weights [batch, heads, queries, keys].

    Steps of a decoder are joined along queries. After several runs of the model, the mapping holds the
    last one; ``passes(name)`` holds them all.
    """

    def __init__(self) -> None:
        self._passes: dict[str, list[Pass]] = {}
        self._restart: set[str] = set()

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._passes:
            raise KeyError(f"{name!r} was not captured; there is: {', '.join(self._passes) or 'nothing'}")
        return self._passes[name][-1].weights

    def __iter__(self) -> Iterator[str]:
        return iter(self._passes)

    def __len__(self) -> int:
        return len(self._passes)

    def passes(self, name: str) -> list[Pass]:
        """Every run of the attention called ``name``, in order."""
        return list(self._passes.get(name, []))

    def map(self, name: str, query_axis: Axis, key_axis: Axis, *, item: int = 0) -> AttentionMap:
        """The attention map of one input of the batch, padding cut off.

        Args:
            name: the place, for instance ``decoder.2.cross``.
            query_axis: names of the queries, from position 0.
            key_axis: names of the keys, from position 0; shorter than the captured keys by the padding.
            item: which input of the batch.

        Raises:
            KeyError: nothing of that name was captured.
            ValueError: an axis is longer than what was captured.
        """
        weights = self[name]
        run = self._passes[name][-1]
        if len(query_axis) > run.queries or len(key_axis) > weights.shape[-1]:
            raise ValueError(
                f"{name}: {run.queries} queries and {weights.shape[-1]} keys were captured; "
                f"axes of {len(query_axis)} and {len(key_axis)} tokens do not fit"
            )
        kept = [row for row, position in enumerate(run.positions) if position < len(query_axis)]
        positions = [run.positions[row] for row in kept]
        if len(positions) < len(query_axis):
            query_axis = query_axis.chosen(positions)
        return AttentionMap(name, weights[item][:, kept, : len(key_axis)], query_axis, key_axis)

    def run_starts(self) -> None:
        """Says that the model is called anew, so that what follows does not continue what came before."""
        self._restart = set(self._passes)

    def expect(self, name: str, batch: int, queries: int, keys: int) -> Pass:
        """The run that a call of these sizes belongs to; a new one counts once ``keep`` has it."""
        passes = self.passes(name)
        if passes and name not in self._restart and passes[-1].continues(batch, queries, keys):
            return passes[-1]
        return Pass(batch, keys)

    def keep(self, name: str, run: Pass) -> None:
        """Takes a run in."""
        self._restart.discard(name)
        passes = self._passes.setdefault(name, [])
        if not passes or passes[-1] is not run:
            passes.append(run)


Rows = Literal["all"] | Sequence[int]


class _Place:
    """The two hooks at one place: ask for weights before the call, take them away after it."""

    def __init__(self, captured: Captured, name: str, rows: Rows, heads: Sequence[int] | None) -> None:
        self.captured, self.name, self.rows, self.heads = captured, name, rows, heads

    def before(self, _: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        query, key = _query_and_key(*arguments, **options)
        if options.get("rows") is not None:
            raise ValueError(f"{self.name}: this call asks for weights itself and cannot be looked at")
        self.queries, self.keys = query.shape[2], key.shape[2]
        self.run = self.captured.expect(self.name, query.shape[0], self.queries, self.keys)
        first = self.run.queries
        self.wanted = (
            list(range(self.queries))
            if isinstance(self.rows, str)
            else [row - first for row in self.rows if first <= row < first + self.queries]
        )
        rows = torch.tensor(self.wanted, dtype=torch.long, device=query.device)
        return arguments, {**options, "rows": rows}

    def after(self, _: nn.Module, __: tuple[Any, ...], attended: Attended) -> Attended:
        weights = attended.weights
        assert weights is not None
        if self.heads is not None:
            weights = weights[:, _existing(self.heads, self.name, weights.shape[1])]
        positions = [self.run.queries + row for row in self.wanted]
        self.run.add(weights.detach().float().cpu(), positions, self.queries, self.keys)
        self.captured.keep(self.name, self.run)
        return replace(attended, weights=None)


def _query_and_key(query: Tensor, key: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
    return query, key


def _existing(heads: Sequence[int], name: str, available: int) -> list[int]:
    for head in heads:
        if not 0 <= head < available:
            raise ValueError(f"{name} has heads 0 to {available - 1}; there is no head {head}")
    return list(heads)


@contextmanager
def look(
    model: nn.Module,
    at: str | Iterable[str] = "*",
    *,
    heads: Sequence[int] | None = None,
    rows: Rows = "all",
) -> Iterator[Captured]:
    """Captures what ``model`` attends to while the block runs.

    Args:
        model: any model whose attention is :class:`regard.attention.Attention`.
        at: which places: a shell pattern over names such as ``encoder.0.self``, or several.
        heads: which heads; all of them by default.
        rows: which query positions, counted from 0; ``"all"`` by default.

    Yields:
        A mapping that fills as the model runs, from names to weights [batch, heads, queries, keys].

    Raises:
        ValueError: no attention matches ``at``, or ``rows`` is neither positions nor ``"all"``.

    Example:
        >>> from regard.attention import Attention, ScaledDot, Soft
        >>> model = nn.ModuleDict({"self_attention": Attention(ScaledDot(), Soft())})
        >>> states = torch.randn(1, 2, 5, 8)
        >>> with look(model, rows=[4]) as seen:
        ...     _ = model["self_attention"](states, states, states)
        >>> {name: list(weights.shape) for name, weights in seen.items()}
        {'self': [1, 2, 1, 5]}
    """
    if isinstance(rows, str) and rows != "all":
        raise ValueError(f"rows must be query positions or 'all', got {rows!r}")
    kept_rows: Rows = rows if isinstance(rows, str) else sorted(set(rows))
    places = attention_places(model)
    captured = Captured()
    hooks = [model.register_forward_pre_hook(lambda *_: captured.run_starts())]
    try:
        for name in choose_places(places, at):
            place = _Place(captured, name, kept_rows, heads)
            hooks.append(places[name].register_forward_pre_hook(place.before, with_kwargs=True))
            hooks.append(places[name].register_forward_hook(place.after))
        yield captured
    finally:
        for hook in hooks:
            hook.remove()

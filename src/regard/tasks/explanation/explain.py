"""The door: from a result to maps of what it comes from, each with its faithfulness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Protocol

import torch
from torch import Tensor

from regard.lens import AttentionMap, attention_places
from regard.lens.faithfulness import Faithfulness, faithfulness
from regard.lens.relevance.step import Side
from regard.tasks.explanation.answer import Answer
from regard.tasks.explanation.methods import Method, importances, quick_methods, rows_of, steps_by_place
from regard.tasks.explanation.places import comparable


class Result(Protocol):
    """What a predictor gives, if it can be explained."""

    def answer(self) -> Answer:
        """The answer, to be asked for again."""


@dataclass(frozen=True)
class Explanation:
    """What an answer comes from, as one method says it.

    Attributes:
        method: which.
        maps: by name. Queries are what was answered (tokens, or a class), keys what it may come from; a row
            sums to one, or is zero where nothing speaks for the answer. ``cross`` is what a decoder read of
            the source, ``self`` what the network read of the text or picture, or of what it had written.
    """

    method: Method
    maps: dict[str, AttentionMap]
    _answer: Answer = field(repr=False)

    @cached_property
    def faithfulness(self) -> dict[str, Faithfulness]:
        """Of each map, by its name: deletion and insertion curves beside those of orders drawn by chance.

        Made when it is first asked for. A map whose answers have nothing that could be taken away has none.
        """
        found = {}
        for side in self._answer.read:
            name = map_name(self.method, side, self._answer)
            if name in self.maps and bool(self._answer.parts(side).any()):
                found[name] = _measured(self._answer, side, {self.method: self.maps[name].weights[0]})
        return found


def explain(
    result: Result,
    method: Method = "relevance",
    *,
    each: Callable[[int, int], None] = lambda done, of: None,
) -> Explanation:
    """Says what of its input an answer comes from.

    Args:
        result: of a translator, a generator, or a classifier of texts or pictures.
        method: ``"attention"`` of the last layer, the mean over heads; ``"rollout"`` or ``"flow"`` through
            all layers (Abnar & Zuidema 2020); ``"gradient"``: gradient × attention of the last layer;
            ``"relevance"``: through all layers by gradients (Chefer et al. 2021).
        each: is told how far *flow* is, and of how much: it takes minutes for a sentence.

    Raises:
        ValueError: no such method, or none for this model.
        regard.UserError: the model has no attention, or the result is of several sentences.

    Example::

        found = regard.explain(translator("The cat sat on the mat."))
        found.maps["relevance.cross"]  # [1, target tokens, source tokens]
        found.faithfulness["relevance.cross"].of("relevance").sentence
    """
    answer = result.answer()
    return Explanation(method, _maps(answer, method, each), answer)


def compared(
    result: Result,
    methods: Sequence[Method] | None = None,
    *,
    at: Sequence[str] = (),
    seed: int = 0,
    each: Callable[[int, int], None] = lambda done, of: None,
) -> Faithfulness:
    """How faithful methods, and single places, are beside one another and beside chance, for one answer.

    What is taken away is the source of a translator, and of other models what they read.

    Args:
        result: see `explain`.
        methods: which; by default all that make sense for the model but *flow*, which takes long.
        at: patterns of places such as ``decoder.*.cross``; the mean of the heads of each is compared too.
        seed: of the orders drawn by chance; of several inputs each should have its own.
        each: see `explain`.

    Raises:
        ValueError: see `explain` and `comparable`; or nothing can be taken away.
    """
    answer = result.answer()
    side: Side = "source" if "source" in answer.read else "target"
    maps: dict[str, Tensor] = {
        method: importances(answer, method, each)[side]
        for method in (quick_methods(answer) if methods is None else methods)
    }
    if chosen := comparable(list(attention_places(answer.model)), at):
        steps = steps_by_place(answer)
        maps |= {place: rows_of(answer, steps[place]) for place in chosen}
    return _measured(answer, side, {name: _rows(one) for name, one in maps.items()}, seed)


def measured_places(result: Result, *, seed: int = 0) -> dict[str, Faithfulness]:
    """How faithful each place is whose rows are answers, the mean of its heads, for one answer.

    Args:
        result: see `explain`.
        seed: see `compared`.

    Returns:
        By place, curves of that name. What a place looked at is taken away: the source, or what was read or
        had been written; a place that looks at what cannot be taken away has none.
    """
    answer = result.answer()
    steps = {place: step for place, step in steps_by_place(answer).items() if step.looks == "target"}
    found: dict[str, Faithfulness] = {}
    for side in dict.fromkeys(step.at for step in steps.values()):
        if bool(answer.parts(side).any()):
            maps = {place: _rows(rows_of(answer, step)) for place, step in steps.items() if step.at == side}
            measured = _measured(answer, side, maps, seed)
            found |= {
                place: Faithfulness({place: curves}, measured.random)
                for place, curves in measured.methods.items()
            }
    return {place: found[place] for place in steps if place in found}


def map_name(method: Method, side: Side, answer: Answer) -> str:
    """What a map is called: as places of attention are."""
    across = side == "source" and "target" in answer.read
    return f"{method}.{'cross' if across else 'self'}"


def _maps(answer: Answer, method: Method, each: Callable[[int, int], None]) -> dict[str, AttentionMap]:
    found = importances(answer, method, each)
    maps = {}
    for side, axis in answer.read.items():
        if side in found:
            name = map_name(method, side, answer)
            maps[name] = AttentionMap(name, _rows(found[side])[None], answer.said, axis)
    return maps


def _rows(importance: Tensor) -> Tensor:
    """With rows that sum to one; rows of zeros stay."""
    importance = importance.float()
    total = importance.sum(-1, keepdim=True)
    return importance / total.clamp_min(torch.finfo(importance.dtype).tiny)


def _measured(answer: Answer, side: Side, maps: dict[str, Tensor], seed: int = 0) -> Faithfulness:
    return faithfulness(maps, answer.parts(side), partial(answer.ask, side), seed=seed)

"""Taking an input away, part by part, in the order that a map gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from regard.lens.faithfulness.curves import Curves, Faithfulness

Ask = Callable[[Tensor, Tensor], Tensor]
"""Asks a model again, without some parts of its input.

From which parts are gone, [trials, parts], true for those that are, and of which answers it is asked,
[trials, answers], to the probability of each, [trials, answers]; where it was not asked, anything.
"""


def faithfulness(
    maps: Mapping[str, Tensor],
    parts: Tensor,
    ask: Ask,
    *,
    steps: int = 10,
    orders: int = 8,
    seed: int = 0,
) -> Faithfulness:
    """Deletion and insertion curves of maps, and of orders drawn by chance (Petsiuk et al. 2018, §3.3).

    For each answer its row of the map orders the parts of the input. In equal shares these are taken away,
    the most important first, or put into an input without any; each time the model is asked how probable the
    answer is. Curves are means over answers. Trials are asked all at once, and those that are alike once.

    Args:
        maps: by name, [answers, parts] each: how important each part of the input is to each answer.
        parts: [answers, parts], which may be taken away: none that is no part of what was given, such as a
            class token, and none that comes after the answer and cannot reach it.
        ask: the model.
        steps: of the curves; fewer where there are fewer parts.
        orders: drawn by chance; the same for all answers.
        seed: of these.

    Raises:
        ValueError: a map of another shape, no orders or steps, or no part that may be taken away.

    Example:
        >>> def ask(gone, asked):  # the answer is there as long as the second part is
        ...     return (~gone[:, 1:2]).float()
        >>> maps = {"right": torch.tensor([[0.1, 0.9]]), "wrong": torch.tensor([[0.9, 0.1]])}
        >>> found = faithfulness(maps, torch.tensor([[True, True]]), ask)
        >>> found.methods["right"].deletion.tolist(), found.methods["wrong"].deletion.tolist()
        ([1.0, 0.0, 0.0], [1.0, 1.0, 0.0])
    """
    for name, importance in maps.items():
        if importance.shape != parts.shape:
            raise ValueError(
                f"{name}: a map {list(importance.shape)} does not fit {parts.shape[0]} answers and "
                f"{parts.shape[1]} parts of the input"
            )
    if steps < 1 or orders < 1:
        raise ValueError(f"one step and one order at least; got {steps} steps and {orders} orders")
    can = parts.any(1)
    if not bool(can.any()):
        raise ValueError("there is no part of the input that could be taken away")
    answers = can.nonzero()[:, 0]
    steps = min(steps, int(parts.sum(1).max()))
    generator = torch.Generator().manual_seed(seed)
    given = [_trials(importance[answers].float(), parts[answers], steps) for importance in maps.values()]
    # A draw is one order of all parts, and its trials are those of every answer: what may not be taken away
    # before an answer does not reach it.
    drawn = torch.rand(orders, parts.shape[1], generator=generator)
    chance = _trials(drawn, parts.any(0).expand(orders, -1), steps)
    trials = torch.stack([*given, *chance[:, None].expand(-1, len(answers), -1, -1, -1)])
    probabilities = _asked(trials, answers, len(parts), ask).mean(1)
    curves = [Curves(deletion, insertion) for deletion, insertion in probabilities]
    return Faithfulness(dict(zip(maps, curves, strict=False)), tuple(curves[len(maps) :]))


def _trials(importance: Tensor, parts: Tensor, steps: int) -> Tensor:
    """What is gone at each step of deletion, then of insertion: [answers, 2, steps + 1, parts]."""
    order = importance.masked_fill(~parts, -torch.inf).argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(1)[:, None]
    shares = torch.arange(steps + 1) / steps
    count = (shares * parts.sum(1, keepdim=True)).round()[..., None]
    return torch.stack([rank < count, rank >= count], 1) & parts[:, None, None]


def _asked(trials: Tensor, answers: Tensor, count: int, ask: Ask) -> Tensor:
    """The probability of its answer in each trial, [orders, answers, 2, steps + 1].

    Args:
        trials: [orders, answers, 2, steps + 1, parts].
        answers: which they are, of all.
        count: of all answers.
        ask: the model.
    """
    gone, which = torch.unique(trials.flatten(0, 3), dim=0, return_inverse=True)
    of = answers[None, :, None, None].expand(trials.shape[:4]).flatten()
    asked = torch.zeros(len(gone), count, dtype=torch.bool)
    asked[which, of] = True
    return ask(gone, asked)[which, of].reshape(trials.shape[:4])

"""The ways to say what an answer comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from regard.lens import look
from regard.lens.relevance import Step, flow, gradient_attention, joined, relevance, rollout
from regard.lens.relevance.step import Side
from regard.tasks.explanation.answer import Answer

Method = Literal["attention", "rollout", "flow", "gradient", "relevance"]
METHODS: tuple[Method, ...] = get_args(Method)
_AT_ONCE = 16  # answers of one backward
# Positions of one flow: the work grows with their fourth power, and so many take half an hour.
_MOST_FLOW = 64


def methods_for(answer: Answer) -> tuple[Method, ...]:
    """Those that make sense for a model."""
    return ("attention", "gradient") if answer.recurrent else METHODS


def quick_methods(answer: Answer) -> tuple[Method, ...]:
    """Those that make sense for a model and take seconds."""
    return tuple(method for method in methods_for(answer) if method != "flow")


def importances(
    answer: Answer, method: Method, each: Callable[[int, int], None] = lambda done, of: None
) -> dict[Side, Tensor]:
    """How important each position of each side is to each answer: [answers, positions], not below zero.

    Args:
        answer: what is explained.
        method: how.
        each: is told how far *flow* is, which takes long.

    Raises:
        ValueError: no such method, or none for this model; too much for *flow*.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r}: there are {', '.join(METHODS)}")
    if method not in methods_for(answer):
        raise ValueError(
            f"{method} follows attention through all layers, and in a recurrent network states know of each "
            f"other by other ways: take one of {', '.join(methods_for(answer))}"
        )
    if method in ("gradient", "relevance"):
        return _by_gradients(answer, method)
    steps = list(steps_by_place(answer).values())
    if method == "attention":
        return {side: rows_of(answer, step) for side, step in _last(steps).items()}
    target, layers = answer.states.shape[1], joined(steps)
    positions = layers[0].shape[-1]
    if method == "flow" and positions > _MOST_FLOW:
        raise ValueError(
            f"flow of {positions} tokens or patches would take hours, {_MOST_FLOW} are the most: "
            "take rollout, or a shorter input"
        )
    if method == "rollout":
        made = answer.states @ rollout(layers)[:target]
    else:
        read = answer.states.any(0).nonzero()[:, 0].tolist()
        made = answer.states[:, read] @ flow(layers, queries=read, each=each)
    return {"target": made[:, :target], "source": made[:, target:]}


def steps_by_place(answer: Answer) -> dict[str, Step]:
    """The attention of each place, in order."""
    with torch.no_grad(), look(answer.model) as seen:
        answer.scores([0])
    return dict(zip(seen, answer.steps(dict(seen)), strict=True))


def rows_of(answer: Answer, step: Step) -> Tensor:
    """What the states that each answer is read from looked at, the mean of heads: [answers, positions].

    Args:
        answer: what was answered.
        step: at which the target looks.
    """
    return answer.states @ step.weights.mean(0)


def _by_gradients(answer: Answer, method: Method) -> dict[Side, Tensor]:
    found: dict[Side, list[Tensor]] = {}
    for some in torch.split(torch.arange(len(answer.said)), _AT_ONCE):
        steps = _steps_with_gradients(answer, some.tolist())
        for side, rows in _rows_by_gradients(steps, method).items():
            # Each row of the batch explains one answer, by the states that it is read from.
            found.setdefault(side, []).append((answer.states[some, None] @ rows)[:, 0])
    return {side: torch.cat(rows) for side, rows in found.items()}


def _rows_by_gradients(steps: Sequence[Step], method: Method) -> dict[Side, Tensor]:
    if method == "gradient":
        return {
            side: gradient_attention(step.weights, step.gradient)
            for side, step in _last(steps).items()
            if step.gradient is not None
        }
    found = relevance(steps)
    # What a state was at first is no answer to where it comes from.
    rows: dict[Side, Tensor] = {"target": found.within - torch.eye(found.within.shape[-1])}
    return rows if found.across is None else {**rows, "source": found.across}


def _steps_with_gradients(answer: Answer, answers: Sequence[int]) -> list[Step]:
    # cuDNN has no gradient of a recurrent layer that is not in training.
    plain = torch.backends.cudnn.flags(enabled=False)
    gradients = look(answer.model, keep="gradients")
    with plain, torch.enable_grad(), _thawed(answer.model) as weights, gradients as seen:
        score = answer.scores(answers).sum()
        # Not backward(): the parameters' own gradients, if someone trains, are left alone.
        torch.autograd.grad(score, weights, allow_unused=True)
    return answer.steps(dict(seen))


@contextmanager
def _thawed(model: nn.Module) -> Iterator[list[nn.Parameter]]:
    """The model's weights, which have gradients for a while though they may be frozen."""
    weights = [weight for weight in model.parameters() if weight.is_floating_point()]
    frozen = [weight for weight in weights if not weight.requires_grad]
    try:
        for weight in frozen:
            weight.requires_grad_(True)
        yield weights
    finally:
        for weight in frozen:
            weight.requires_grad_(False)


def _last(steps: Sequence[Step]) -> dict[Side, Step]:
    """The last attention of the target to each side."""
    return {step.at: step for step in steps if step.looks == "target"}

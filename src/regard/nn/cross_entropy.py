"""Cross-entropy of an output layer's logits, which are never all held."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.nn.linear_loss import Gradients, SmoothedTargets, linear_loss, log_normaliser
from regard.nn.product import multiply

# Logits held at a time: 512 rows of a vocabulary of 8,000, about what the last-level cache holds.
_CELLS = 2**22


def linear_cross_entropy(
    states: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    *,
    label_smoothing: float = 0.0,
    ignore: int = -100,
    chunk: int | None = None,
) -> Tensor:
    """Sum over rows of the cross-entropy of `states @ weight.T + bias` with `targets`.

    Equal to `F.cross_entropy(logits, targets, reduction="sum", label_smoothing=…)`, gradients too. Under
    autocast the products run in autocast's dtype, the softmax and its logarithm in float32. A second
    derivative raises a RuntimeError.

    Args:
        states: [rows, width].
        weight: [vocabulary, width].
        bias: [vocabulary] or None.
        targets: [rows], int64.
        label_smoothing: share of the target spread evenly over the vocabulary (Szegedy et al. 2016, §7).
        ignore: rows with this target count for nothing.
        chunk: rows at a time; None picks about four million logits.

    Returns:
        Scalar, float32 (float64 for float64 states).

    Raises:
        ValueError: shapes that do not fit, or a smoothing outside [0, 1].

    Example:
        >>> states, weight = torch.zeros(2, 4), torch.zeros(8, 4)
        >>> round(linear_cross_entropy(states, weight, None, torch.tensor([3, -100])).item(), 4)  # ln 8
        2.0794
    """
    check_targets(states, targets, label_smoothing)
    kept = (targets != ignore).nonzero().squeeze(1)
    if kept.numel() < targets.numel():
        states, targets = states[kept], targets[kept]
    rows = chunk or max(64, _CELLS // len(weight))

    def sweep(
        states: Tensor, weight: Tensor, bias: Tensor | None, wanted: bool
    ) -> tuple[Tensor, Gradients | None]:
        exact = torch.float64 if states.dtype == torch.float64 else torch.float32
        smoothed = SmoothedTargets(label_smoothing, weight, bias, exact)
        gradients = Gradients(states, weight, exact) if wanted else None
        loss = states.new_zeros((), dtype=exact)
        buffer = states.new_empty(min(rows, len(states)), len(weight), dtype=exact)
        for start in range(0, len(states), rows):
            part, target = states[start : start + rows], targets[start : start + rows, None]
            logits, probabilities = multiply(part, weight, bias), buffer[: len(part)]
            torch.softmax(logits, -1, dtype=exact, out=probabilities)
            log_sum = log_normaliser(logits, probabilities)
            loss += smoothed.loss(part, logits, log_sum, target)
            if gradients is None:
                continue
            smoothed.subtract(probabilities, target)
            gradients.states[start : start + rows] = gradients.add(logits.copy_(probabilities), part, weight)
        if gradients is not None:
            smoothed.finish(gradients, states)
        return loss, gradients

    return linear_loss(states, weight, bias, sweep)


@torch.no_grad()
def token_log_probabilities(
    logits: Callable[[Tensor], Tensor], states: Tensor, targets: Tensor, *, ignore: int = -100
) -> Tensor:
    """log p(target) of each row, a chunk of rows at a time; no gradient.

    Args:
        logits: an output layer, [rows, width] to [rows, vocabulary].
        states: [rows, width].
        targets: [rows], int64.
        ignore: rows with this target have 0.

    Returns:
        [rows], float32 (float64 for float64 logits).

    Example:
        >>> token_log_probabilities(lambda states: states, torch.zeros(2, 8), torch.tensor([3, -100]))
        tensor([-2.0794, -0.0000])
    """
    rows, found = max(64, _CELLS // logits(states[:1]).shape[-1]), []
    for part, target in zip(torch.split(states, rows), torch.split(targets, rows), strict=True):
        made = logits(part)
        exact = made if made.dtype == torch.float64 else made.float()
        found.append(-F.cross_entropy(exact, target, reduction="none", ignore_index=ignore))
    return torch.cat(found)


def check_targets(states: Tensor, targets: Tensor, label_smoothing: float) -> None:
    """Make sure that targets [rows] and smoothing fit states [rows, width].

    Raises:
        ValueError: they do not.
    """
    if targets.shape != states.shape[:1]:
        raise ValueError(f"targets {tuple(targets.shape)} for {states.shape[0]} rows of states")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label smoothing is {label_smoothing}, not in [0, 1]")

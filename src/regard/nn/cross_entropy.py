"""Output layer and cross-entropy in one: the logits of all rows are never held.

The output layer of a translator is as wide as its vocabulary, and its logits are the largest tensor of a
training step. Here rows are taken a chunk at a time: the chunk's logits become probabilities, the
probabilities become the gradient, and both are forgotten. What is kept for the backward pass is only the
finished gradients of the states and of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from regard.attention.once import differentiable_once
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
    autocast the products run in autocast's dtype, the softmax and its logarithm in float32. The gradient
    of the result is linear in the gradient that comes in, and is made in the forward pass; a second
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
    if states.dim() != 2 or weight.dim() != 2 or states.shape[1] != weight.shape[1]:
        raise ValueError(
            f"states {tuple(states.shape)}, weight {tuple(weight.shape)}: expected [n, d], [v, d]"
        )
    if targets.shape != states.shape[:1]:
        raise ValueError(f"targets {tuple(targets.shape)} for {states.shape[0]} rows of states")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias {tuple(bias.shape)} for a vocabulary of {weight.shape[0]}")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label smoothing is {label_smoothing}, not in [0, 1]")
    kept = (targets != ignore).nonzero().squeeze(1)
    if kept.numel() < targets.numel():
        states, targets = states[kept], targets[kept]
    rows = chunk or max(64, _CELLS // weight.shape[0])
    device = states.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype
    if states.dtype == torch.float64:
        dtype = torch.float64
    plan = _Plan(label_smoothing, rows, dtype, torch.is_grad_enabled())
    return _LinearCrossEntropy.apply(states, weight, bias, targets, plan)  # type: ignore[no-any-return, no-untyped-call]


@dataclass(frozen=True)
class _Plan:
    smoothing: float
    rows: int
    dtype: torch.dtype  # of the products
    gradients: bool


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, plan: _Plan
    ) -> Tensor:
        ctx.dtypes = states.dtype, weight.dtype
        ctx.has_bias = bias is not None
        with torch.autocast(states.device.type, enabled=False):
            s, w = states.to(plan.dtype), weight.to(plan.dtype)
            b = None if bias is None else bias.to(plan.dtype)
            loss, gradients = _sweep(s, w, b, targets, plan)
        ctx.save_for_backward(*gradients)
        return loss

    @staticmethod
    @differentiable_once("take torch's linear and cross_entropy")
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Tensor | None, ...]:
        states_gradient, weight_gradient, bias_gradient = ctx.saved_tensors
        states_dtype, weight_dtype = ctx.dtypes
        by = incoming[0]
        return (
            (states_gradient * by).to(states_dtype),
            (weight_gradient * by).to(weight_dtype),
            (bias_gradient * by).to(weight_dtype) if ctx.has_bias else None,
            None,
            None,
        )


def _sweep(
    states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, plan: _Plan
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Loss and, where wanted, the gradients of states, weight and bias, a chunk of rows at a time."""
    (count, width), vocabulary = states.shape, weight.shape[0]
    exact = torch.float64 if states.dtype == torch.float64 else torch.float32
    even = plan.smoothing / vocabulary
    # What smoothing adds is the same for every word, so it takes sums over the weights, not over all logits.
    weight_sum = weight.sum(0, dtype=exact)
    bias_sum = bias.sum(dtype=exact) if bias is not None else states.new_zeros((), dtype=exact)

    loss = states.new_zeros((), dtype=exact)
    states_gradient = states.new_empty(count if plan.gradients else 0, width, dtype=exact)
    weight_gradient = states.new_zeros(vocabulary if plan.gradients else 0, width, dtype=exact)
    bias_gradient = states.new_zeros(vocabulary if plan.gradients else 0, dtype=exact)
    rows = min(plan.rows, count)
    probability_buffer = states.new_empty(rows, vocabulary, dtype=exact)
    for start in range(0, count, plan.rows):
        part = states[start : start + plan.rows]
        target = targets[start : start + plan.rows, None]
        logits, probabilities = multiply(part, weight, bias), probability_buffer[: len(part)]
        torch.softmax(logits, -1, dtype=exact, out=probabilities)
        # log Σ exp from the likeliest word, whose probability cannot underflow.
        log_sum = logits.amax(-1, keepdim=True).to(exact) - probabilities.amax(-1, keepdim=True).log()
        loss += ((log_sum - logits.gather(1, target).to(exact)) * (1 - plan.smoothing)).sum()
        if plan.smoothing:
            logits_sum = part.to(exact) @ weight_sum + bias_sum
            loss += (log_sum.squeeze(1) * plan.smoothing - logits_sum * even).sum()
        if not plan.gradients:
            continue
        # Softmax minus the target, subtracted before rounding to a narrow dtype: near the end of training
        # the difference is small.
        probabilities.scatter_add_(1, target, torch.full_like(target, plan.smoothing - 1, dtype=exact))
        gradient = logits.copy_(probabilities)
        states_gradient[start : start + plan.rows] = multiply(gradient, weight.t())
        weight_gradient += multiply(gradient.t(), part.t())
        if bias is not None:
            bias_gradient += probabilities.sum(0)
    if plan.gradients and plan.smoothing:
        states_gradient -= even * weight_sum
        weight_gradient -= even * states.sum(0, dtype=exact)
        bias_gradient -= even * count
    return loss, (states_gradient, weight_gradient, bias_gradient)

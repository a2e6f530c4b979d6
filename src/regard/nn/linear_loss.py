"""Output layer and loss in one: the logits of all rows are never held.

The output layer of a translator is as wide as its vocabulary, and its logits are the largest tensor of a
training step. Here rows are taken a chunk at a time: the chunk's logits become probabilities, the
probabilities become the gradient, and both are forgotten. What is kept for the backward pass is only the
finished gradients of the states and of the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from regard.attention.autocast import autocast_dtype, without_autocast
from regard.attention.once import differentiable_once
from regard.nn.product import multiply


class Gradients:
    """The gradients of an output layer, summed over chunks of its rows.

    Args:
        states: [rows, width], what the layer reads, in the dtype of the products.
        weight: [vocabulary, width].
        exact: dtype of the sums.

    Attributes:
        states, weight, bias: [rows, width], [vocabulary, width], [vocabulary].
    """

    def __init__(self, states: Tensor, weight: Tensor, exact: torch.dtype) -> None:
        self.states = torch.empty_like(states, dtype=exact)
        self.weight = torch.zeros_like(weight, dtype=exact)
        self.bias = weight.new_zeros(len(weight), dtype=exact)

    def add(self, gradient: Tensor, part: Tensor, weight: Tensor) -> Tensor:
        """Take in the gradient of some rows' logits.

        Args:
            gradient: [some rows, vocabulary], in the dtype of the products.
            part: [some rows, width], the states of these rows.
            weight: [vocabulary, width].

        Returns:
            The gradient of these states, [some rows, width], for the caller to put in its place.
        """
        self.weight += multiply(gradient.t(), part.t())
        self.bias += gradient.sum(0, dtype=self.bias.dtype)
        return multiply(gradient, weight.t())


Sweep = Callable[[Tensor, Tensor, Tensor | None, bool], tuple[Tensor, Gradients | None]]
"""From states, weight, bias, in the dtype of the products, and whether gradients are wanted, to the loss."""


def linear_loss(states: Tensor, weight: Tensor, bias: Tensor | None, sweep: Sweep) -> Tensor:
    """A loss whose gradients are made in the forward pass; they are linear in the gradient that comes in.

    Under autocast the products run in autocast's dtype; float64 states stay float64.

    Args:
        states: [rows, width].
        weight: [vocabulary, width].
        bias: [vocabulary] or None.
        sweep: goes over the rows and gives the loss, and the gradients where they are wanted.

    Returns:
        Scalar.

    Raises:
        ValueError: shapes that do not fit.
        RuntimeError: in the backward pass, where a second derivative is asked for.
    """
    if states.dim() != 2 or weight.dim() != 2 or states.shape[1] != weight.shape[1]:
        raise ValueError(
            f"states {tuple(states.shape)}, weight {tuple(weight.shape)}: expected [n, d], [v, d]"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias {tuple(bias.shape)} for a vocabulary of {weight.shape[0]}")
    dtype = autocast_dtype(states.device)
    if dtype is None or states.dtype == torch.float64:
        dtype = states.dtype
    learns = any(x is not None and x.requires_grad for x in (states, weight, bias))
    return _LinearLoss.apply(  # type: ignore[no-any-return, no-untyped-call]
        states, weight, bias, sweep, dtype, learns and torch.is_grad_enabled()
    )


class _LinearLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        sweep: Sweep,
        dtype: torch.dtype,
        wanted: bool,
    ) -> Tensor:
        ctx.dtypes = states.dtype, weight.dtype
        ctx.has_bias = bias is not None
        with without_autocast(states.device):
            b = None if bias is None else bias.to(dtype)
            loss, gradients = sweep(states.to(dtype), weight.to(dtype), b, wanted)
        if gradients is not None:
            ctx.save_for_backward(gradients.states, gradients.weight, gradients.bias)
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
            None,
        )


class SmoothedTargets:
    """Cross-entropy with smoothed targets (Szegedy et al. 2016, §7), chunk by chunk.

    What smoothing adds is the same for every word, so it takes sums over the weights, not over all logits.

    Args:
        smoothing: share of the target that is spread evenly over the vocabulary.
        weight, bias: of the output layer, in the dtype of the products.
        exact: dtype of the sums.
    """

    def __init__(self, smoothing: float, weight: Tensor, bias: Tensor | None, exact: torch.dtype) -> None:
        self._smoothing = smoothing
        self._even = smoothing / len(weight)
        self._weight = weight.sum(0, dtype=exact)
        self._bias = bias.sum(dtype=exact) if bias is not None else weight.new_zeros((), dtype=exact)

    def loss(self, part: Tensor, logits: Tensor, log_sum: Tensor, target: Tensor) -> Tensor:
        """Sum over some rows.

        Args:
            part: [rows, width], their states.
            logits: [rows, vocabulary].
            log_sum: [rows, 1], log Σ exp of each row of logits.
            target: [rows, 1].
        """
        exact = self._weight.dtype
        loss = (log_sum - logits.gather(1, target).to(exact) * (1 - self._smoothing)).sum()
        if self._smoothing:
            loss -= (part.to(exact) @ self._weight + self._bias).sum() * self._even
        return loss

    def subtract(self, gradient: Tensor, target: Tensor) -> None:
        """Take all but the even share of targets [rows, 1] from the logits' gradient [rows, vocabulary].

        Before it is rounded to a narrow dtype: near the end of training the difference is small.
        """
        gradient.scatter_add_(1, target, torch.full_like(target, self._smoothing - 1, dtype=gradient.dtype))

    def finish(self, gradients: Gradients, states: Tensor) -> None:
        """Take the even share from the gradients of all states [rows, width]."""
        if self._smoothing:
            gradients.states -= self._even * self._weight
            gradients.weight -= self._even * states.sum(0, dtype=self._weight.dtype)
            gradients.bias -= self._even * len(states)


def log_normaliser(logits: Tensor, probabilities: Tensor) -> Tensor:
    """log Σ exp of each row, [rows, 1], from the likeliest word, whose probability cannot underflow."""
    return logits.amax(-1, keepdim=True).to(probabilities.dtype) - probabilities.amax(-1, keepdim=True).log()

"""Gradients that have no derivatives of their own, and say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

Backward = Callable[..., tuple[Tensor | None, ...]]


def differentiable_once(advice: str) -> Callable[[Backward], Backward]:
    """Make the `backward` of an autograd function raise under ``create_graph=True``.

    A backward that reads results kept from the forward takes them for constants: its own derivative would be
    wrong without a word. `torch.autograd.function.once_differentiable` notices that only where the incoming
    gradient has a history, which that of a plain sum has not.

    Args:
        advice: what to do instead, the end of the message.

    Example:
        >>> class Square(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.double = 2 * x
        ...         return x.square()
        ...     @staticmethod
        ...     @differentiable_once("multiply x by x")
        ...     def backward(ctx, gradient):
        ...         return (gradient * ctx.double,)
        >>> x = torch.ones((), requires_grad=True)
        >>> torch.autograd.grad(Square.apply(x), x, create_graph=True)
        Traceback (most recent call last):
        ...
        RuntimeError: no second derivatives here (create_graph=True): multiply x by x
    """

    def decorate(backward: Backward) -> Backward:
        @wraps(backward)
        def once(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
            if torch.is_grad_enabled():
                raise RuntimeError(f"no second derivatives here (create_graph=True): {advice}")
            return backward(ctx, *gradients)

        return once

    return decorate

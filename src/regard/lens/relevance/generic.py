"""Relevance by gradients and attention, through any stack (Chefer et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from regard.lens.relevance.step import Side, Step


class Relevance(NamedTuple):
    """How much of each input is in the states that an answer is read from.

    Attributes:
        within: [..., target, target]: of the target's inputs, a state's own among them: the diagonal began as
            one.
        across: [..., target, source]: of the source's; None where there is none.
    """

    within: Tensor
    across: Tensor | None


def gradient_attention(weights: Tensor, gradient: Tensor) -> Tensor:
    """Gradient × attention: what speaks for the answer, the mean over heads (Chefer et al. 2021, eq. 5).

    Args:
        weights: [..., heads, queries, keys].
        gradient: of the answer's score, by these; of the same shape, or with more dimensions in front.

    Returns:
        [..., queries, keys], not below zero.

    Example:
        >>> gradient_attention(torch.tensor([[[0.5, 0.5]]]), torch.tensor([[[2.0, -2.0]]]))
        tensor([[1., 0.]])
    """
    return (weights * gradient).clamp_min(0.0).mean(-3)


def relevance(steps: Sequence[Step]) -> Relevance:
    """Generic relevance of self-attention, cross-attention and encoder–decoders (Chefer et al. 2021, §3.2).

    At first every state is relevant to itself alone. Each attention adds, by the positive part of gradient ×
    attention Ā: within one side R += Ā · R (eq. 6 and 7); across, by what both sides have gathered, each
    without itself and with rows that sum to one, R_ts += R̄_ttᵀ · Ā · R̄_ss (eq. 8 to 10). As no source
    looks back, eq. 11 adds nothing.

    Args:
        steps: in the order in which they ran, all with gradients of one answer's score, or of a batch of
            answers: [..., heads, queries, keys].

    Raises:
        ValueError: no steps, or one without a gradient.

    Example:
        >>> gradient = torch.tensor([[[0.0, 2.0], [0.0, 0.0]]])
        >>> relevance([Step("target", "target", torch.full((1, 2, 2), 0.5), gradient)]).within
        tensor([[1., 1.],
                [0., 1.]])
    """
    if not steps:
        raise ValueError("relevance takes one attention at least")
    found: dict[tuple[Side, Side], Tensor] = {}
    for step in steps:
        if step.gradient is None:
            raise ValueError("relevance takes gradients: look with keep='gradients', and run a backward")
        gained = gradient_attention(step.weights, step.gradient)
        for side, length in ((step.looks, gained.shape[-2]), (step.at, gained.shape[-1])):
            if (side, side) not in found:
                found[side, side] = torch.eye(length, dtype=gained.dtype)
        if step.across:
            read = gained @ _gathered(found["source", "source"])
            more = _gathered(found["target", "target"]).transpose(-2, -1) @ read
            found["target", "source"] = found.get(("target", "source"), torch.zeros(())) + more
            continue
        # All that the side knows moves by the same weights, what it has from the other side too.
        for key in [key for key in found if key[0] == step.looks]:
            found[key] = found[key] + gained @ found[key]
    if ("target", "target") not in found:
        raise ValueError("relevance is of the states of the target; none of the steps is its")
    return Relevance(found["target", "target"], found.get(("target", "source")))


def _gathered(relevant: Tensor) -> Tensor:
    """With the part that came by attention scaled to rows of one, beside the state itself (eq. 8 and 9)."""
    itself = torch.eye(relevant.shape[-1], dtype=relevant.dtype)
    came = relevant - itself
    total = came.sum(-1, keepdim=True)
    return came / total.clamp_min(torch.finfo(came.dtype).tiny) + itself

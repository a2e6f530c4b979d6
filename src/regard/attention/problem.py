"""One call of attention, checked and with the score's parameters applied: what the kernels work on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.attention.local_predictive import LocalPredictive
from regard.attention.scopes import Block, Scope
from regard.attention.selections import Selection


@dataclass(slots=True)
class Problem:
    """What a kernel is given.

    Attributes:
        query: [batch, heads, queries, dim], folded (see :mod:`regard.attention.scores`).
        key: [batch, kv_heads, keys, dim], folded.
        value: [batch, kv_heads, keys, value_dim].
        scale: of a product score.
        vector: [heads or 1, dim] of an additive score, else None.
        scope: where queries may look.
        selection: how scores become weights.
        slopes: [heads] of ALiBi, or None.
        dropout: probability, 0 when not training.
        first: position of query 0 among the keys.
        predictive: the local-p part of the scope, if any.
        centre: [batch, heads, queries], predicted by it.
        training: draw (hard selection) or take the best.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    scale: float
    vector: Tensor | None
    scope: Scope
    selection: Selection
    slopes: Tensor | None
    dropout: float
    first: int
    predictive: LocalPredictive | None
    centre: Tensor | None
    training: bool

    @property
    def learns_slopes(self) -> bool:
        """Whether ALiBi's slopes want a gradient."""
        return self.slopes is not None and self.slopes.requires_grad and torch.is_grad_enabled()

    def outlined(self) -> Problem:
        """The same, with queries, keys and values that have a shape, a type and a device, but no numbers.

        A kernel's backward may keep this one: the real ones, kept otherwise than autograd saves them, could
        neither be freed after the backward, nor made again (activation checkpoints), nor moved elsewhere.
        """
        query, key, value = (x.new_empty(()).expand(x.shape) for x in (self.query, self.key, self.value))
        return replace(self, query=query, key=key, value=value)

    def block(self, rows: range | Tensor | None = None, keys: range | None = None) -> Block:
        """A rectangle of the score matrix; all of it by default."""
        centre = self.centre
        if rows is None:
            rows = range(self.query.shape[2])
        elif centre is not None:
            centre = centre[:, :, rows.start : rows.stop] if isinstance(rows, range) else centre[:, :, rows]
        if keys is None:
            keys = range(self.key.shape[2])
        return Block(rows, keys, self.first, self.query.device, centre)

    def visible(self, block: Block) -> tuple[Tensor | None, Tensor | None]:
        """The keys that the rows of a block may look at, and the rows that may look nowhere.

        The latter are let look everywhere, and what they read is for the kernel to zero: a row with no key
        makes nan, which no later product with zero removes from the gradient.

        Returns:
            Booleans, broadcastable to [batch, heads, rows, keys], None where all keys are visible, and to
            [batch, heads, rows, 1], None where every row may look somewhere.
        """
        allowed = self.scope.allowed(block)
        if allowed is None or not self.scope.may_be_empty(block):
            return allowed, None
        dead = torch.logical_not(allowed.any(-1, keepdim=True))
        return allowed | dead, dead

    def penalty(self, block: Block) -> Tensor | None:
        """ALiBi's -slope · |position - key| (Press et al. 2022), added to scores: [heads, rows, keys]."""
        if self.slopes is None:
            return None
        distance = (block.positions()[:, None] - block.key_positions()[None, :]).abs()
        return -self.slopes[:, None, None].to(self.query.dtype) * distance

    def gaussian(self, block: Block) -> Tensor | None:
        """What local-p multiplies the weights by: [batch, heads, rows, keys]."""
        if self.predictive is None or block.centre is None:
            return None
        return self.predictive.gaussian(block.key_positions() - block.centre[..., None]).to(self.query.dtype)


@dataclass(frozen=True, slots=True)
class Solution:
    """What a kernel gives back.

    Attributes:
        context: [batch, heads, queries, value_dim].
        weights: [batch, heads, queries, keys] before dropout, from a kernel that has them anyway.
        log_probability: [batch, heads, queries] of the keys drawn.
    """

    context: Tensor
    weights: Tensor | None = None
    log_probability: Tensor | None = None


def bias_of(problem: Problem, block: Block) -> tuple[Tensor | None, Tensor | None]:
    """What to add to a block's scores, for its mask and for ALiBi, and the rows that may look nowhere."""
    visible, dead = problem.visible(block)
    bias = problem.penalty(block)
    if visible is not None:
        mask = torch.zeros(visible.shape, dtype=problem.query.dtype, device=visible.device)
        mask.masked_fill_(torch.logical_not(visible), -torch.inf)
        bias = mask if bias is None else bias + mask
    return bias, dead

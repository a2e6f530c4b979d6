"""Selections: how a row of scores becomes a row of weights.

Every selection takes scores [..., keys] in which forbidden keys are -inf and no row is all -inf, and gives
weights of the same shape, exactly zero at forbidden keys. Rows of no keys at all have no weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

Family = Literal["soft", "sparse", "sigmoid", "hard"]


class Selection(ABC):
    """Base of all selections.

    Attributes:
        family: what the kernels need to know of it.
    """

    family: ClassVar[Family]

    @abstractmethod
    def weigh(self, scores: Tensor, training: bool) -> tuple[Tensor, Tensor | None]:
        """Weights [..., keys], and the log-probability [...] of the key where one was drawn."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Soft(Selection):
    """Softmax: every key gets some weight.

    Example:
        >>> Soft().weigh(torch.tensor([0.0, 0.0]), False)[0]
        tensor([0.5000, 0.5000])
    """

    family = "soft"

    def weigh(self, scores: Tensor, training: bool) -> tuple[Tensor, Tensor | None]:
        """softmax(scores)."""
        return torch.softmax(scores, -1), None


class Sparsemax(Selection):
    """The projection of the scores on the simplex: unlikely keys get exactly zero (Martins & Astudillo 2016).

    Example:
        >>> Sparsemax().weigh(torch.tensor([1.0, 0.5, -1.0]), False)[0]
        tensor([0.7500, 0.2500, 0.0000])
    """

    family = "sparse"

    def weigh(self, scores: Tensor, training: bool) -> tuple[Tensor, Tensor | None]:
        """Algorithm 1 of the paper, with the exact Jacobian of its §2.5."""
        if not scores.shape[-1]:
            return scores, None
        return _Sparsemax.apply(scores), None  # type: ignore[no-untyped-call]


class Entmax15(Selection):
    """1.5-entmax: between softmax and sparsemax (Peters, Niculae & Martins 2019).

    Example:
        >>> Entmax15().weigh(torch.tensor([0.0, 0.0, -9.0]), False)[0]
        tensor([0.5000, 0.5000, 0.0000])
    """

    family = "sparse"

    def weigh(self, scores: Tensor, training: bool) -> tuple[Tensor, Tensor | None]:
        """Algorithm 2 of the paper, with its exact Jacobian (Proposition 2)."""
        if not scores.shape[-1]:
            return scores, None
        return _Entmax15.apply(scores), None  # type: ignore[no-untyped-call]


class Sigmoid(Selection):
    """Each key weighed by itself: σ(score + bias - log n), of the n keys that the query may see.

    A row need not sum to one: a query may take all of its keys or none. By -log n the context starts at the
    size that softmax would give it, however many keys there are (Ramapuram et al. 2024, §3); of a single key
    it is the attention coefficient of a gate (Oktay et al. 2018, §2.2).

    Args:
        bias: added to every score; above zero, rows start by taking more.

    Example:
        >>> Sigmoid().weigh(torch.tensor([[0.0], [2.0]]), False)[0]
        tensor([[0.5000],
                [0.8808]])
        >>> Sigmoid().weigh(torch.tensor([9.0, 9.0, -torch.inf]), False)[0]
        tensor([0.9998, 0.9998, 0.0000])
    """

    family = "sigmoid"

    def __init__(self, bias: float = 0.0) -> None:
        self.bias = bias

    def weigh(self, scores: Tensor, training: bool) -> tuple[Tensor, Tensor | None]:
        """The logistic function of each score."""
        wide = scores.to(torch.promote_types(scores.dtype, torch.float32))
        seen = (scores != -torch.inf).sum(-1, keepdim=True, dtype=wide.dtype).clamp_(min=1)
        return torch.sigmoid(wide + (self.bias - seen.log())).to(scores.dtype), None

    def __repr__(self) -> str:
        return f"Sigmoid(bias={self.bias})" if self.bias else "Sigmoid()"


class Hard(Selection):
    """One key for each query: drawn while training, the best one otherwise (Xu et al. 2015, §4.1).

    Args:
        estimator: how it learns. ``"reinforce"``: the drawn key's log-probability is returned for the loss
            to weigh by a reward. ``"gumbel"``: the gradient of a Gumbel softmax goes straight through the
            drawn key (Jang et al. 2017, §2.2); no log-probability.
        temperature: of the Gumbel softmax.
        expected: with ``"reinforce"``, the share of queries that while training take the softmax's weights
            in place of a draw, so that what reads the keys learns to (the paper draws this by image, with
            0.5); their log-probability is 0.

    Raises:
        ValueError: unknown estimator, a temperature that is not positive, or a share that is none or that
            the Gumbel softmax has no use for.

    Example:
        >>> Hard().weigh(torch.tensor([0.0, 2.0, 1.0]), False)[0]
        tensor([0., 1., 0.])
    """

    family = "hard"

    def __init__(
        self,
        estimator: Literal["reinforce", "gumbel"] = "reinforce",
        temperature: float = 1.0,
        expected: float = 0.0,
    ) -> None:
        if estimator not in ("reinforce", "gumbel"):
            raise ValueError(f"hard selection learns by 'reinforce' or 'gumbel', not {estimator!r}")
        if not temperature > 0:
            raise ValueError(f"the temperature of a Gumbel softmax must be positive, was given {temperature}")
        if not 0 <= expected <= 1:
            raise ValueError(f"the share of expected weights lies in 0 to 1, was given {expected}")
        if expected and estimator == "gumbel":
            raise ValueError("a Gumbel softmax has a gradient of its own: leave expected at 0")
        self.estimator = estimator
        self.temperature = temperature
        self.expected = expected

    def weigh(self, scores: Tensor, training: bool) -> tuple[Tensor, Tensor | None]:
        """One-hot weights; the log-probability of the key with ``"reinforce"``."""
        if not scores.shape[-1]:
            return scores, scores.sum(-1) if self.estimator == "reinforce" else None
        # In 8 bits noisy scores tie, and of equals the first would win.
        dtype, scores = scores.dtype, scores.to(torch.promote_types(scores.dtype, torch.float32))
        noisy = scores
        if training:  # the largest of scores + Gumbel noise is a draw from their softmax
            noisy = scores - torch.empty_like(scores).exponential_().log_()
        drawn = noisy.detach().argmax(-1, keepdim=True)
        weights = torch.zeros_like(scores).scatter_(-1, drawn, 1.0)
        if self.estimator == "reinforce":
            logs = torch.log_softmax(scores, -1)
            chosen = logs.gather(-1, drawn)
            if training and self.expected:
                soft = torch.rand_like(chosen) < self.expected
                weights, chosen = torch.where(soft, logs.exp(), weights), chosen.masked_fill(soft, 0.0)
            return weights.to(dtype), chosen.squeeze(-1)
        if training:
            relaxed = torch.softmax(noisy / self.temperature, -1)
            weights = weights + (relaxed - relaxed.detach())
        return weights.to(dtype), None

    def __repr__(self) -> str:
        of = f"temperature={self.temperature}" if self.estimator == "gumbel" else f"expected={self.expected}"
        return f"Hard({self.estimator!r}, {of})"


def _wide(scores: Tensor) -> Tensor:
    """Scores in float32 or wider, the largest 0; far below, where weights are zero anyway, no -inf."""
    wide = scores.to(torch.promote_types(scores.dtype, torch.float32))
    return (wide - wide.amax(-1, keepdim=True)).clamp_(min=-4.0)


def _ranks(ordered: Tensor) -> Tensor:
    return torch.arange(1, ordered.shape[-1] + 1, dtype=ordered.dtype, device=ordered.device)


class _Sparsemax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        z = _wide(scores)
        ordered = z.sort(-1, descending=True).values
        excess = ordered.cumsum(-1) - 1
        size = (_ranks(ordered) * ordered > excess).sum(-1, keepdim=True).clamp_(min=1)  # 0 only of nan
        threshold = excess.gather(-1, size - 1) / size
        weights = (z - threshold).clamp_(min=0).to(scores.dtype)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        weights: Tensor = ctx.saved_tensors[0]
        support = (weights > 0).to(weights.dtype)
        inside = gradients[0] * support
        return inside - support * (inside.sum(-1, keepdim=True) / support.sum(-1, keepdim=True))


class _Entmax15(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        z = _wide(scores) / 2
        ordered = z.sort(-1, descending=True).values
        ranks = _ranks(ordered)
        mean = ordered.cumsum(-1) / ranks
        spread = ordered.square().cumsum(-1) / ranks - mean.square()
        threshold = mean - ((1 / ranks - spread).clamp_(min=0)).sqrt_()
        size = (threshold <= ordered).sum(-1, keepdim=True).clamp_(min=1)  # 0 only of nan
        weights = (z - threshold.gather(-1, size - 1)).clamp_(min=0).square_().to(scores.dtype)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        weights: Tensor = ctx.saved_tensors[0]
        # The square root of the weights is the diagonal of the Jacobian; at zero it has no derivative itself.
        root = torch.where(weights > 0, weights, 1.0).sqrt() * (weights > 0)
        inside = gradients[0] * root
        return inside - root * (inside.sum(-1, keepdim=True) / root.sum(-1, keepdim=True))

"""R-Drop: two passes of the same rows through dropout should predict the same (Liang et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from regard.nn.cross_entropy import check_targets
from regard.nn.linear_loss import Gradients, SmoothedTargets, linear_loss, log_normaliser
from regard.nn.product import multiply

# Logits of both passes held at a time.
_CELLS = 2**22


def linear_r_drop(
    first: Tensor,
    second: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    targets: Tensor,
    *,
    strength: float,
    label_smoothing: float = 0.0,
    chunk: int | None = None,
) -> Tensor:
    """Sum over rows of both passes' cross-entropies and of what they differ by (Liang et al. 2021, eq. 3).

    What they differ by is `strength` times (KL(p‖q) + KL(q‖p)) / 2, p and q the softmax of each pass. The
    logits of each pass are computed once for both terms, and never all held.

    Args:
        first: [rows, width], states of one pass, padding left out.
        second: [rows, width], states of the other.
        weight: [vocabulary, width] of the output layer.
        bias: [vocabulary] or None.
        targets: [rows], int64, of either pass.
        strength: weight of the divergence.
        label_smoothing: share of the target spread evenly over the vocabulary.
        chunk: rows at a time; None picks about four million logits.

    Returns:
        Scalar, float32 (float64 for float64 states).

    Raises:
        ValueError: the passes differ in shape, or other shapes do not fit.

    Example:
        >>> states, weight, targets = torch.zeros(2, 4), torch.zeros(8, 4), torch.tensor([3, 5])
        >>> round(linear_r_drop(states, states, weight, None, targets, strength=5.0).item(), 4)  # 4 ln 8
        8.3178
    """
    if first.shape != second.shape:
        raise ValueError(f"states {tuple(first.shape)} and {tuple(second.shape)}: expected [n, d] twice")
    check_targets(first, targets, label_smoothing)
    count, rows = len(first), chunk or max(32, _CELLS // (2 * len(weight)))

    def sweep(
        states: Tensor, weight: Tensor, bias: Tensor | None, wanted: bool
    ) -> tuple[Tensor, Gradients | None]:
        exact = torch.float64 if states.dtype == torch.float64 else torch.float32
        smoothed = SmoothedTargets(label_smoothing, weight, bias, exact)
        gradients = Gradients(states, weight, exact) if wanted else None
        loss = states.new_zeros((), dtype=exact)
        for start in range(0, count, rows):
            stop = min(start + rows, count)
            places = slice(start, stop), slice(count + start, count + stop)
            part = torch.cat([states[place] for place in places])
            target = targets[start:stop].repeat(2)[:, None]
            logits = multiply(part, weight, bias)
            probabilities = torch.softmax(logits, -1, dtype=exact)
            log_sum = log_normaliser(logits, probabilities)
            loss += smoothed.loss(part, logits, log_sum, target)
            divergence = _Divergence(logits, log_sum, probabilities)
            loss += divergence.sum() * strength
            if gradients is None:
                continue
            gradient = divergence.gradient(strength)
            smoothed.subtract(gradient, target)
            halves = gradients.add(logits.copy_(gradient), part, weight).chunk(2)
            for place, half in zip(places, halves, strict=True):
                gradients.states[place] = half
        if gradients is not None:
            smoothed.finish(gradients, states)
        return loss, gradients

    return linear_loss(torch.cat([first, second]), weight, bias, sweep)


class _Divergence:
    """(KL(p‖q) + KL(q‖p)) / 2 of the upper and the lower half of some rows.

    Args:
        logits: [2 n, vocabulary].
        log_sum: log Σ exp of each row, [2 n, 1].
        probabilities: [2 n, vocabulary].
    """

    def __init__(self, logits: Tensor, log_sum: Tensor, probabilities: Tensor) -> None:
        self._p, self._q = probabilities.chunk(2)
        upper, lower = logits.to(probabilities.dtype).chunk(2)
        self._ratio = (upper - lower).sub_(log_sum.chunk(2)[0] - log_sum.chunk(2)[1])  # log p - log q
        self._forth = torch.linalg.vecdot(self._p, self._ratio)[:, None]  # KL(p‖q)
        self._back = -torch.linalg.vecdot(self._q, self._ratio)[:, None]  # KL(q‖p)

    def sum(self) -> Tensor:
        """Over all rows."""
        total: Tensor = (self._forth.sum() + self._back.sum()) / 2
        return total

    def gradient(self, strength: float) -> Tensor:
        """Of `strength` times the sum and of Σ log Σ exp by the logits, [2 n, vocabulary].

        KL(p‖q) has by p's logits the gradient p (log p - log q - KL(p‖q)), KL(q‖p) has p - q. To be called
        once: it works in place of the logarithms' difference.
        """
        half = strength / 2
        upper = (self._ratio * half).add_(1 + half - half * self._forth).mul_(self._p)
        lower = self._ratio.mul_(-half).add_(1 + half - half * self._back).mul_(self._q)
        return torch.cat([upper.sub_(self._q, alpha=half), lower.sub_(self._p, alpha=half)])

"""R-Drop: two passes of the same rows through dropout should predict the same."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

# Logits of one pass held at a time.
_CELLS = 2**21


def linear_divergence(
    first: Tensor, second: Tensor, weight: Tensor, bias: Tensor | None, *, chunk: int | None = None
) -> Tensor:
    """Sum over rows of (KL(p‖q) + KL(q‖p)) / 2, p and q the softmax of each pass.

    Liang et al. 2021, §2. Rows are taken a chunk at a time and their logits made again in the backward
    pass, so that they are never all held.

    Args:
        first: [rows, width], states of one pass, padding left out.
        second: [rows, width], states of the other.
        weight: [vocabulary, width] of the output layer.
        bias: [vocabulary] or None.
        chunk: rows at a time; None picks about two million logits.

    Returns:
        Scalar, float32 (float64 for float64 states).

    Raises:
        ValueError: the passes differ in shape.

    Example:
        >>> states, weight = torch.ones(3, 2), torch.eye(2)
        >>> linear_divergence(states, states, weight, None).item()
        0.0
    """
    if first.shape != second.shape or first.dim() != 2:
        raise ValueError(f"states {tuple(first.shape)} and {tuple(second.shape)}: expected [n, d] twice")
    rows = chunk or max(64, _CELLS // weight.shape[0])
    exact = torch.float64 if first.dtype == torch.float64 else torch.float32
    total = first.new_zeros((), dtype=exact)
    for start in range(0, len(first), rows):
        a, b = first[start : start + rows], second[start : start + rows]
        total = total + checkpoint(
            _divergence, a, b, weight, bias, exact, use_reentrant=False, preserve_rng_state=False
        )
    return total


def _divergence(a: Tensor, b: Tensor, weight: Tensor, bias: Tensor | None, exact: torch.dtype) -> Tensor:
    p, q = (F.log_softmax(F.linear(states, weight, bias), -1, dtype=exact) for states in (a, b))
    return ((p.exp() - q.exp()) * (p - q)).sum() / 2

"""Dropout as a layer."""

from __future__ import annotations

from torch import Tensor, nn

from regard.attention.dropout import dropout


class Dropout(nn.Module):
    """Zero elements at random while training (Srivastava et al. 2014), with cheap random numbers on a CPU.

    Args:
        probability: of dropping an element.

    Raises:
        ValueError: the probability is outside [0, 1].

    Example:
        >>> import torch
        >>> Dropout(0.5).eval()(torch.ones(3))
        tensor([1., 1., 1.])
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0.0 <= probability <= 1.0:
            raise ValueError(f"dropout probability is {probability}, not in [0, 1]")
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of `x`, of any shape; `x` itself in eval mode."""
        return dropout(x, self.probability, self.training)

    def extra_repr(self) -> str:
        """The probability, for printing."""
        return f"probability={self.probability}"

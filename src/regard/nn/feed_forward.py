"""The position-wise feed-forward network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from regard.nn.dropout import Dropout
from regard.nn.linear import linear

Activation = Literal["relu", "gelu", "silu"]
ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu}


class FeedForward(nn.Module):
    """outer(activation(inner(x))) (Vaswani et al. 2017, §3.3).

    Args:
        width: of the input and of the output.
        hidden: of the layer between.
        activation: by name.
        dropout: probability, after the activation.

    Example:
        >>> import torch
        >>> FeedForward(4, 16, "relu")(torch.ones(2, 3, 4)).shape
        torch.Size([2, 3, 4])
    """

    def __init__(self, width: int, hidden: int, activation: Activation, dropout: float = 0.0) -> None:
        super().__init__()
        self.inner = linear(width, hidden)
        self.outer = linear(hidden, width)
        self.activation = activation
        self.dropout = Dropout(dropout)
        self._activate = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """[..., width] -> [..., width]."""
        mixed: Tensor = self.outer(self.dropout(self._activate(self.inner(x))))
        return mixed

    def extra_repr(self) -> str:
        """The activation, for printing."""
        return self.activation

"""A linear layer as Transformers start it."""

from __future__ import annotations

from torch import Tensor, nn

from regard.nn.product import multiply


def linear(inputs: int, outputs: int) -> Linear:
    """A linear layer of Xavier-uniform weights (Glorot & Bengio 2010) and zero bias.

    A projection fused from several starts as one matrix, and so a little smaller than its parts would: what
    fairseq does on purpose for query, key and value.

    Example:
        >>> linear(4, 2).bias
        Parameter containing:
        tensor([0., 0.], requires_grad=True)
    """
    layer = Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Linear(nn.Linear):
    """`nn.Linear`, by the fastest product (:func:`~regard.nn.product.multiply`)."""

    def forward(self, x: Tensor) -> Tensor:
        """[..., inputs] -> [..., outputs]."""
        return multiply(x, self.weight, self.bias)

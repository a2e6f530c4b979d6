"""What passes between the parts of a model."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(slots=True)
class Memory:
    """What an encoder made of a source.

    Example:
        >>> import torch
        >>> Memory(torch.ones(2, 5, 8), torch.ones(2, 5, dtype=torch.bool)).summary.shape
        torch.Size([2, 8])

    Attributes:
        states: [batch, source, width].
        mask: [batch, source] boolean, True for a real token.
        final: [layers, batch, width], last states of a recurrent encoder (of an LSTM hidden states, then
            cells: 2 · layers); None of a Transformer.
        depth: layers of a recurrent encoder; 0 of a Transformer.
        log_probability: [batch], of all keys that hard self-attention drew at real tokens; None without it.
    """

    states: Tensor
    mask: Tensor
    final: Tensor | None = None
    depth: int = 0
    log_probability: Tensor | None = None

    @property
    def summary(self) -> Tensor:
        """One vector a sentence [batch, features]: final states side by side, or the mean of real states."""
        if self.final is not None:
            return self.final.transpose(0, 1).flatten(1)
        real = self.mask.unsqueeze(-1)
        total = self.states.masked_fill(~real, 0.0).sum(1)
        return total / real.sum(1).clamp_(min=1).to(total.dtype)


@dataclass(slots=True)
class Decoded:
    """What a decoder made of a target prefix.

    Attributes:
        states: [batch, target, width], before the output layer.
        log_probability: [batch, target], of the keys that hard attention drew, over all layers and heads;
            those drawn in the encoder, on which every target word depends, count at each. None without hard
            attention.
    """

    states: Tensor
    log_probability: Tensor | None = None

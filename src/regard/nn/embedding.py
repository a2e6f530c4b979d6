"""From token ids to vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.nn.dropout import Dropout
from regard.nn.positions import Positions
from regard.nn.precision import working_dtype


class Embedding(nn.Module):
    """Token embedding, scaled by √width, plus positions, then an optional norm and dropout.

    (Vaswani et al. 2017, §3.4.) Weights start as normal(0, width^-0.5), so that scaled they have variance 1
    and, shared with the output layer, give logits of variance about 1.

    Args:
        vocabulary: number of token ids.
        width: of a vector.
        pad: id whose vector starts at zero and gets no gradient from being looked up; an output layer that
            shares the weights, whose logits are of all ids, does send it one.
        positions: added to the vectors; `None` for recurrent models, rotary positions and ALiBi.
        norm_epsilon: layer norm on the sum, as BERT has; `None` for no norm.
        dropout: probability.

    Raises:
        ValueError: `pad` is no id of the vocabulary.

    Example:
        >>> Embedding(10, 4, pad=0, positions=None)(torch.tensor([[3, 0]]))[0, 1]
        tensor([0., 0., 0., 0.], grad_fn=<SelectBackward0>)
    """

    def __init__(
        self,
        vocabulary: int,
        width: int,
        *,
        pad: int,
        positions: Positions | None,
        norm_epsilon: float | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= pad < vocabulary:
            raise ValueError(f"pad is {pad}, which is none of the {vocabulary} token ids")
        self.pad = pad
        self.scale = width**0.5
        self.weight = nn.Parameter(torch.empty(vocabulary, width))
        nn.init.normal_(self.weight, std=width**-0.5)
        with torch.no_grad():
            self.weight[pad].zero_()
        self.positions = positions
        self.norm = None if norm_epsilon is None else nn.LayerNorm(width, eps=norm_epsilon)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, first: int = 0) -> Tensor:
        """Vectors [batch, length, width] of tokens [batch, length] that stand at position `first` and on.

        Under autocast they come in its dtype: the residual stream is then half as wide in memory.

        Raises:
            ValueError: a position beyond max_length.
        """
        vectors = F.embedding(tokens, self.weight, padding_idx=self.pad)
        if self.positions is None:
            vectors = vectors * self.scale
        else:
            vectors = torch.add(self.positions(first, tokens.shape[1]), vectors, alpha=self.scale)
        if self.norm is not None:
            vectors = self.norm(vectors)
        dropped: Tensor = self.dropout(vectors.to(working_dtype(self.weight)))
        return dropped

    def extra_repr(self) -> str:
        """Size of the table, for printing."""
        return f"{self.weight.shape[0]}, {self.weight.shape[1]}, pad={self.pad}"

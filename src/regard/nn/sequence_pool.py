"""One vector of a whole sequence, by attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.attention import Attended, Attention, Dot, Soft


class SequencePool(nn.Module):
    """The mean of a sequence, weighed by softmax(state · query) (SeqPool, Hassani et al. 2021, §3.2).

    The linear layer that the paper scores states with is a learned query here: which states count, one can
    look at as at any attention.

    Args:
        width: of a state.

    Example:
        >>> SequencePool(4)(torch.zeros(2, 5, 4)).shape
        torch.Size([2, 4])
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.empty(width))
        nn.init.normal_(self.query, std=0.02)
        self.attention = Attention(Dot(), Soft())

    def forward(self, states: Tensor) -> Tensor:
        """[batch, length, width] -> [batch, width]."""
        query = self.query.to(states.dtype).expand(states.shape[0], 1, 1, -1)
        pool = states.unsqueeze(1)
        seen: Attended = self.attention(query, pool, pool)
        return seen.context[:, 0, 0]

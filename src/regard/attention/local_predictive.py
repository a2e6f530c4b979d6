"""Local-p: a window around a centre that each query predicts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.attention.projection import project
from regard.attention.scopes import Block, Scope


class LocalPredictive(nn.Module, Scope):
    """A predicted centre p = S · sigmoid(v · tanh(W query)) (Luong et al. 2015, §3.2 "local-p").

    S is the number of real keys of the row, and p is counted from the first of them. A query sees keys at
    most `window` from p, and its weights are multiplied by a Gaussian around p of standard deviation
    window / 2, which is what p learns from.

    Args:
        query_dim: size of a head's query.
        window: D ≥ 1.
        hidden: size of the hidden layer; the paper's W is square, so the default is `query_dim`.
        heads: 1 shares W and v between all heads; otherwise the number of query heads.

    Example:
        >>> scope = LocalPredictive(8, window=3)
        >>> scope.centres(torch.zeros(2, 1, 5, 8), torch.tensor([4, 6]))[:, 0, 0]
        tensor([2., 3.], grad_fn=<SelectBackward0>)
    """

    def __init__(self, query_dim: int, window: int, hidden: int | None = None, heads: int = 1) -> None:
        super().__init__()
        if window < 1:
            raise ValueError(f"local-p needs a window of at least 1, was given {window}")
        self.window = window
        hidden = query_dim if hidden is None else hidden
        self.weight = nn.Parameter(torch.empty(heads, query_dim, hidden))
        self.vector = nn.Parameter(torch.empty(heads, hidden, 1))
        for parameter in (self.weight, self.vector):
            bound = (6.0 / (parameter.shape[1] + parameter.shape[2])) ** 0.5
            nn.init.uniform_(parameter, -bound, bound)

    def centres(self, query: Tensor, lengths: Tensor | int, starts: Tensor | int = 0) -> Tensor:
        """Predict the centre of each query: [batch, heads, queries], float32 or wider.

        Args:
            query: [batch, heads, queries, query_dim].
            lengths: number of real keys, [batch] or one for all.
            starts: index of the first real key, [batch] or one for all.

        Raises:
            ValueError: heads or dim are not those of W.
        """
        heads, query_dim, _ = self.weight.shape
        if query.shape[-1] != query_dim or heads not in (1, query.shape[1]):
            raise ValueError(
                f"local-p of {heads} heads and {query_dim} dims was given queries {list(query.shape)}"
            )
        hidden = torch.tanh(project(query, self.weight))
        logit = project(hidden, self.vector).squeeze(-1)
        # Positions need more than the 8 bits of a bfloat16.
        share = torch.sigmoid(logit.to(torch.promote_types(logit.dtype, torch.float32)))
        centre = share * (lengths[:, None, None] if isinstance(lengths, Tensor) else lengths)
        return centre + starts[:, None, None] if isinstance(starts, Tensor) else centre + starts

    def allowed(self, block: Block) -> Tensor | None:
        """|key - centre| <= window: [batch, heads, rows, keys]."""
        return self.allowed_at(block, block.key_positions())

    def allowed_at(self, block: Block, index: Tensor) -> Tensor:
        """|key - centre| <= window."""
        if block.centre is None:
            raise ValueError("local-p was asked for a mask without the centres that it predicted")
        return (index - block.centre.detach()[..., None]).abs() <= self.window

    def gaussian(self, offset: Tensor) -> Tensor:
        """exp(-offset² / 2σ²) with σ = window / 2, for offsets of keys from their centres."""
        return torch.exp(offset.square() * (-2.0 / self.window**2))

    def may_be_empty(self, block: Block) -> bool:
        """A centre lies among the keys, and its window has at least one; padding answers for itself."""
        return False

    def extra_repr(self) -> str:
        """Shapes, for printing."""
        heads, query_dim, hidden = self.weight.shape
        return f"{query_dim}, window={self.window}, hidden={hidden}, heads={heads}"

"""The residual connection around a sub-layer, with its norm."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from regard.nn.drop_path import drop_path
from regard.nn.dropout import Dropout

Norm = Literal["pre", "post"]


class Residual(nn.Module):
    """Pre-norm: x + dropout(f(norm(x))). Post-norm: norm(x + dropout(f(x))).

    Post-norm is the original (Vaswani et al. 2017, §3.1); pre-norm trains deep stacks without warm-up
    (Xiong et al. 2020). While training, a row may go without the sub-layer's change: stochastic depth, with
    the probability `drop_path` (:func:`~regard.nn.drop_path.drop_path`). A sub-layer runs between
    :meth:`enter` and :meth:`leave`:

    Example:
        >>> import torch
        >>> residual, double = Residual(4, "pre"), lambda x: 2 * x
        >>> x = torch.randn(2, 4)
        >>> residual.leave(x, double(residual.enter(x))).shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        width: int,
        place: Norm,
        dropout: float = 0.0,
        epsilon: float = 1e-5,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.place = place
        self.norm = nn.LayerNorm(width, eps=epsilon)
        self.dropout = Dropout(dropout)
        self.drop_path = drop_path

    def enter(self, x: Tensor) -> Tensor:
        """What the sub-layer is given."""
        return self._normal(x) if self.place == "pre" else x

    def leave(self, x: Tensor, change: Tensor) -> Tensor:
        """What goes on to the next sub-layer."""
        total = drop_path(x, self.dropout(change), self.drop_path, self.training)
        return total if self.place == "pre" else self._normal(total)

    def _normal(self, x: Tensor) -> Tensor:
        normal: Tensor = self.norm(x)
        return normal

    def extra_repr(self) -> str:
        """Where the norm is, for printing."""
        return f"{self.place}-norm" + (f", drop_path={self.drop_path:.3g}" if self.drop_path else "")

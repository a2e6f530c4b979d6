"""Batch norm that takes any batch, one of a single position too."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm2d):
    """Batch norm (Ioffe & Szegedy 2015) by what it has learned so far, where a batch has one position.

    Of one value a channel there is no variance, and torch refuses it: the last batch of an epoch may be one
    image, and a deep network's coarsest grid one position.

    Example:
        >>> import torch
        >>> BatchNorm(4).train()(torch.ones(1, 4, 1, 1)).shape
        torch.Size([1, 4, 1, 1])
    """

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, rows, columns], normalised."""
        if self.training and x.numel() == x.shape[1]:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)

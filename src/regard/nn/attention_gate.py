"""Attention gates: a skip connection carries what the coarser level finds relevant."""

from __future__ import annotations

from torch import Tensor, nn

from regard.attention import Additive, Attended, Attention, Sigmoid


class AttentionGate(nn.Module):
    """Weigh each position of a skip by how well it suits a gating signal (Oktay et al. 2018, §2.2).

    Each position is a query (the gating signal) with a single key and value (the skip's feature), weighed by
    itself. What differs from the paper: the score is Bahdanau's, with tanh where the paper has ReLU, so that
    it is bounded and the same attention as for text; the gating signal comes up-sampled, as the decoder has
    it anyway, so that the gate is as fine as the skip; and gates start open, at about 0.88.

    Args:
        channels: of the skip and of the gating signal; the score's hidden size is half of them.

    Example:
        >>> import torch
        >>> gate = AttentionGate(8)
        >>> gate(torch.zeros(1, 8, 4, 6), torch.zeros(1, 8, 4, 6)).shape
        torch.Size([1, 8, 4, 6])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        score = Additive(channels, channels, max(1, channels // 2), bias=True)
        self.attention = Attention(score, Sigmoid(bias=2.0))

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        """The skip, gated.

        Args:
            skip: [batch, channels, rows, columns].
            gating: [batch, channels, rows, columns].

        Raises:
            ValueError: they differ in shape.
        """
        if skip.shape != gating.shape:
            raise ValueError(
                f"a gate weighs each position of a skip, {list(skip.shape)}, by a gating signal of its "
                f"shape; was given {list(gating.shape)}"
            )
        keys = _one_by_one(skip)
        seen: Attended = self.attention(_one_by_one(gating), keys, keys)
        return seen.context.view(skip.permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)


def _one_by_one(features: Tensor) -> Tensor:
    """[batch, channels, rows, columns] -> [batch · rows · columns, 1, 1, channels]."""
    return features.permute(0, 2, 3, 1).reshape(-1, 1, 1, features.shape[1])

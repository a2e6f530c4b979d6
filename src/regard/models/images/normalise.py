"""Images as a network wants them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Normalise(nn.Module):
    """(image - mean) / std of each channel, laid out with channels last, which convolutions are fastest with.

    The two are part of the model, so that what it is given is always an image in [0, 1].

    Args:
        channels: of the images.
        mean: of each channel in the training data.
        std: of each channel.

    Raises:
        ValueError: not one mean and one deviation above zero for each channel.

    Example:
        >>> Normalise(1, [0.5], [0.25])(torch.ones(1, 1, 2, 2)).flatten()
        tensor([2., 2., 2., 2.])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != channels or len(std) != channels or not min(std, default=0.0) > 0:
            raise ValueError(
                f"images of {channels} channels are normalised by as many means and as many deviations above "
                f"zero, was given mean {list(mean)} and std {list(std)}"
            )
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32))

    def forward(self, images: Tensor) -> Tensor:
        """Normalise images [batch, channels, height, width] in [0, 1].

        Raises:
            ValueError: they have another number of channels, or are no images.
        """
        channels = self.mean.shape[0]
        if images.dim() != 4 or images.shape[1] != channels:
            raise ValueError(
                f"this network reads images [batch, {channels}, height, width], was given "
                f"{list(images.shape)}: convert them to {channels} channel{'s' if channels > 1 else ''}"
            )
        scale = 1.0 / self.std
        normal = torch.addcmul((-self.mean * scale)[:, None, None], images, scale[:, None, None])
        # Of one channel torch says that any layout has it last; only a copy settles it.
        return torch.empty_like(normal, memory_format=torch.channels_last).copy_(normal)

    def extra_repr(self) -> str:
        """The numbers, for printing."""
        shown = ([round(value, 3) for value in values.tolist()] for values in (self.mean, self.std))
        return "mean={}, std={}".format(*shown)

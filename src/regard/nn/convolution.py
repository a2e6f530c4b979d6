"""A convolution with its norm and ReLU: what U-Nets are made of."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.nn.batch_norm import BatchNorm
from regard.nn.instance_norm import InstanceNorm

ImageNorm = Literal["batch", "instance", "group", "none"]


class Convolution(nn.Module):
    """ReLU(norm(3×3 convolution)), of one feature map or of two side by side (Ronneberger et al. 2015, §2).

    A second map, such as a skip connection's, has weights of its own, and the two results are added: that is
    the convolution of both maps concatenated, but nothing is copied, and a map left out is a map of zeros.

    Weights are drawn as He et al. (2015, eq. 10) do, over the channels of both maps.

    Args:
        inputs: channels of the map.
        outputs: channels of the result.
        norm: "batch" (Ioffe & Szegedy 2015), "instance", "group" (of up to 16 channels, Wu & He 2018)
            or "none".
        beside: channels of the second map; 0 if there is none.

    Raises:
        ValueError: a second map is given where there are no weights for one (when called).

    Example:
        >>> convolution = Convolution(4, 8, "batch", beside=2)
        >>> convolution(torch.zeros(1, 4, 6, 6), torch.zeros(1, 2, 6, 6)).shape
        torch.Size([1, 8, 6, 6])
    """

    def __init__(self, inputs: int, outputs: int, norm: ImageNorm = "batch", *, beside: int = 0) -> None:
        super().__init__()
        deviation = math.sqrt(2.0 / (9 * (inputs + beside)))
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3).normal_(std=deviation))
        self.beside_weight = (
            nn.Parameter(torch.empty(outputs, beside, 3, 3).normal_(std=deviation)) if beside else None
        )
        self.norm = _norm(norm, outputs)
        # A norm has a shift of its own.
        self.bias = nn.Parameter(torch.zeros(outputs)) if self.norm is None else None

    def forward(self, x: Tensor, beside: Tensor | None = None) -> Tensor:
        """[batch, inputs, rows, columns] -> [batch, outputs, rows, columns].

        Args:
            x: the map.
            beside: [batch, beside, rows, columns], the second map; None is one of zeros.
        """
        norm = self.norm
        scale: Tensor | None = None
        bias: Tensor | None = self.bias
        if isinstance(norm, nn.BatchNorm2d) and _pays_folded(norm, x):
            scale, bias = _as_scale_and_shift(norm)
            norm = None
        total = F.conv2d(x, _scaled(self.weight, scale), bias, padding=1)
        if beside is not None:
            if self.beside_weight is None:
                raise ValueError("this convolution is of one map: build it with beside=… channels for two")
            total = total.add_(F.conv2d(beside, _scaled(self.beside_weight, scale), padding=1))
        return F.relu_(total if norm is None else norm(total))


def lay_out_weights(network: nn.Module) -> None:
    """Put the weights of a network's convolutions in the order of their images, channels last.

    It is for inference. Otherwise oneDNN does so at each call, which in bfloat16 takes a tenth of a U-Net's
    time. In training weights stay as they are: moments and files of weights lie in one order with them.

    Args:
        network: changed in place; what it computes stays the same.

    Example:
        >>> convolution = Convolution(4, 8)
        >>> lay_out_weights(convolution)
        >>> convolution.weight.stride()
        (36, 1, 12, 4)
    """
    for part in network.modules():
        if isinstance(part, Convolution | nn.Conv2d):
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's lack it


def _norm(name: ImageNorm, channels: int) -> nn.Module | None:
    match name:
        case "batch":
            return BatchNorm(channels)
        case "instance":
            return InstanceNorm(channels)
        case "group":
            return nn.GroupNorm(channels // math.gcd(channels, 16), channels)
        case "none":
            return None


def _pays_folded(norm: nn.BatchNorm2d, x: Tensor) -> bool:
    """Whether weights may take in the norm's scale, and are fewer than the results that else would."""
    return not norm.training and x.shape[0] * x.shape[2] * x.shape[3] > 9 * x.shape[1]


def _as_scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """A batch norm that has learned its mean and variance is but a scale and a shift of each channel."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def _scaled(weight: Tensor, scale: Tensor | None) -> Tensor:
    return weight if scale is None else weight * scale[:, None, None, None]

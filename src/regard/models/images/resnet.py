"""A small residual network: the convolutional baseline, which looks at pixels nearby."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from regard.models.images.config import ResNetConfig
from regard.models.images.normalise import Normalise
from regard.nn.batch_norm import BatchNorm
from regard.nn.dropout import Dropout
from regard.nn.linear import linear


class ResNet(nn.Module):
    """Images to logits of classes (He et al. 2016, §4.2). Images may be of any size.

    Where sizes change the shortcut is a projection (§3.3, option B); batch norm follows each convolution.

    Args:
        config: the dials.
        channels: of the images.
        classes: how many.
        mean: of each channel in the training data.
        std: of each channel.

    Raises:
        ValueError: not one mean and one deviation above zero for each channel.

    Example:
        >>> import torch
        >>> network = ResNet(ResNetConfig(width=4, blocks=1), 3, classes=10, mean=[0.5] * 3, std=[0.2] * 3)
        >>> images = torch.rand(2, 3, 32, 32)
        >>> network(images).shape, network.features(images).shape
        (torch.Size([2, 10]), torch.Size([2, 16, 8, 8]))
    """

    def __init__(
        self, config: ResNetConfig, channels: int, classes: int, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__()
        self.config = config
        self.normalise = Normalise(channels, mean, std)
        self.stem = _convolution(channels, config.width)
        self.stem_norm = BatchNorm(config.width)
        blocks, inputs = [], config.width
        for stage in range(config.stages):
            for block in range(config.blocks):
                stride = 2 if stage and not block else 1
                blocks.append(Block(inputs, config.channels(stage), stride))
                inputs = config.channels(stage)
        self.blocks = nn.ModuleList(blocks)
        self.dropout = Dropout(config.dropout)
        self.output = linear(inputs, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [batch, classes] of images [batch, channels, height, width] in [0, 1].

        Raises:
            ValueError: images of another number of channels.
        """
        logits: Tensor = self.output(self.dropout(self.features(images).mean((2, 3))))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """The last feature map [batch, channels, rows, columns], of which the logits read the mean.

        Raises:
            ValueError: images of another number of channels.
        """
        x = F.relu(self.stem_norm(self.stem(self.normalise(images))))
        for block in self.blocks:
            x = block(x)
        return x


class Block(nn.Module):
    """Two convolutions around which the input goes too (He et al. 2016, §3.1).

    Args:
        inputs: channels.
        outputs: channels.
        stride: of the first convolution.

    Example:
        >>> import torch
        >>> Block(4, 8, stride=2)(torch.zeros(1, 4, 6, 6)).shape
        torch.Size([1, 8, 3, 3])
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.first = _convolution(inputs, outputs, stride)
        self.first_norm = BatchNorm(outputs)
        self.second = _convolution(outputs, outputs)
        self.second_norm = BatchNorm(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(_convolution(inputs, outputs, size=1), BatchNorm(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, rows, columns] -> [batch, outputs, rows / stride, columns / stride]."""
        change = self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))
        # Thinned out before a convolution that reads single pixels: in oneDNN 3.12 on AVX2 the gradient of
        # one with a stride writes beyond its memory, where channels are last and fewer than eight.
        return F.relu(self.shortcut(x[:, :, :: self.stride, :: self.stride]) + change)


def _convolution(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Conv2d:
    """Without bias, which the norm has, and drawn as He et al. (2015, eq. 10) do."""
    layer = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer

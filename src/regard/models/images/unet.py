"""The U-Net: an encoder, a bottleneck, a decoder, and skip connections between."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from regard.models.images.normalise import Normalise
from regard.models.images.unet_config import UNetConfig
from regard.models.transformer_layer import Layer
from regard.nn.attention_gate import AttentionGate
from regard.nn.convolution import Convolution
from regard.nn.dropout import Dropout
from regard.nn.grid_sinusoids import grid_sinusoids
from regard.nn.linear import linear
from regard.nn.up_sampling import up_sampling


class Encoded(NamedTuple):
    """What the encoder and the bottleneck make of images.

    Attributes:
        latent: [batch, channels, rows, columns]: all that the decoder gets without skips. Channels are the
            bottleneck's own, or as many as it passes on.
        skips: what each skip connection carries, by level; at level i [batch, width · 2^i, rows, columns].
        size: rows and columns of the images, which the latent's times the stride may exceed.
    """

    latent: Tensor
    skips: Mapping[int, Tensor]
    size: tuple[int, int]


class UNet(nn.Module):
    """From images to a map of as many rows and columns (Ronneberger et al. 2015, §2).

    Images of any size are mirrored at their edges up to the next multiple of the stride, and the result is
    cut back, so that sizes are nobody else's concern. As in most implementations since, convolutions keep the
    size and have a norm. Inside, feature maps are channels-last in memory, where convolutions are faster.

    Args:
        config: the dials.
        channels: of the images.
        outputs: channels of the result: classes, or as many as the images have.
        mean: of each channel, in the training data.
        std: of each channel.

    Raises:
        ValueError: a residual network whose outputs are not as many as the images' channels; means or
            deviations that are not one for each channel; a deviation that is not above zero.

    Example:
        >>> import torch
        >>> network = UNet(UNetConfig(width=4, depth=2), channels=3, outputs=2, mean=[0.5] * 3, std=[0.2] * 3)
        >>> images = torch.rand(1, 3, 21, 30)
        >>> network(images).shape
        torch.Size([1, 2, 21, 30])
        >>> network.encode(images).latent.shape
        torch.Size([1, 16, 6, 8])
        >>> network(images, without=[0]).shape  # what is left without the finest skip connection
        torch.Size([1, 2, 21, 30])
    """

    def __init__(
        self, config: UNetConfig, channels: int, outputs: int, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__()
        if config.residual and outputs != channels:
            raise ValueError(
                f"a residual U-Net adds its output to the image: its {outputs} output channels must be as "
                f"many as the image's {channels}"
            )
        self.config = config
        self.normalise = Normalise(channels, mean, std)
        widths = [channels, *(config.channels(level) for level in range(config.depth))]
        self.encoder = nn.ModuleList(_double(config, before, after) for before, after in pairwise(widths))
        self.bottleneck = Bottleneck(config)
        self.widen = None if config.latent is None else linear(config.latent, config.channels(config.depth))
        self.decoder = nn.ModuleList(DecoderLevel(config, level) for level in range(config.depth))
        self.output = linear(config.width, outputs)

    def forward(self, images: Tensor, *, without: Collection[int] = ()) -> Tensor:
        """Map images [batch, channels, rows, columns] in [0, 1] to [batch, outputs, rows, columns].

        Args:
            images: of any size.
            without: levels whose skip connections carry nothing, to see what each is good for.

        Raises:
            ValueError: images of another number of channels, or of no pixels; a level that has no skip.
        """
        result = self.decode(self.encode(images), without=without)
        return images + self.normalise.std[:, None, None] * result if self.config.residual else result

    def encode(self, images: Tensor) -> Encoded:
        """The latent and what the skips carry, of images [batch, channels, rows, columns].

        Raises:
            ValueError: images of another number of channels, or of no pixels.
        """
        normal = self.normalise(images)
        rows, columns = images.shape[-2:]
        if not rows or not columns:
            raise ValueError(f"images [batch, channels, rows, columns] of no pixels: {list(images.shape)}")
        x = _padded(normal, self.config.stride)
        skips: dict[int, Tensor] = {}
        for level, convolutions in enumerate(self.encoder):
            x = convolutions(x)
            if level in self.config.skip_levels:
                skips[level] = x
            x = F.max_pool2d(x, 2)
        return Encoded(self.bottleneck(x), skips, (rows, columns))

    def decode(self, encoded: Encoded, *, without: Collection[int] = ()) -> Tensor:
        """From what :meth:`encode` gave to [batch, outputs, rows, columns] of the images' size.

        A residual network's is the change, in units of the images' standard deviations.

        Raises:
            ValueError: a level of `without` has no skip connection.
        """
        unknown = sorted(set(without) - set(self.config.skip_levels))
        if unknown:
            there = ", ".join(map(str, self.config.skip_levels)) or "none"
            raise ValueError(
                f"level {unknown[0]} has no skip connection to switch off; levels that have: {there}"
            )
        x = encoded.latent if self.widen is None else _at_each_position(self.widen, encoded.latent)
        for level in reversed(range(self.config.depth)):
            x = self.decoder[level](x, None if level in without else encoded.skips.get(level))
        return self.crop(_at_each_position(self.output, x), encoded.size)

    def crop(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Cut a map of the padded image, [..., rows, columns], back to the image's size.

        Example:
            >>> import torch
            >>> network = UNet(UNetConfig(width=4, depth=2), 1, 1, mean=[0.0], std=[1.0])
            >>> network.crop(torch.zeros(1, 8, 12), (5, 12)).shape
            torch.Size([1, 5, 12])
        """
        (top, _), (left, _) = (_margins(length, self.config.stride) for length in size)
        return x[..., top : top + size[0], left : left + size[1]]


class Bottleneck(nn.Module):
    """Two convolutions on the coarsest grid, then, if there are any, Transformer layers over its positions.

    Positions are told by 2-D sinusoids, which any grid has.

    Args:
        config: the dials.

    Example:
        >>> import torch
        >>> Bottleneck(UNetConfig(width=4, depth=2, bottleneck_attention=1))(torch.zeros(1, 8, 3, 5)).shape
        torch.Size([1, 16, 3, 5])
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        channels = config.channels(config.depth)
        self.convolutions = _double(config, channels // 2, channels)
        self.layers = nn.ModuleList(
            Layer(config.layer, causal=False) for _ in range(config.bottleneck_attention)
        )
        self.norm = nn.LayerNorm(channels) if self.layers else None
        self.narrow = None if config.latent is None else linear(channels, config.latent)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels / 2, rows, columns] -> [batch, channels or latent, rows, columns]."""
        x = self.convolutions(x)
        if self.norm is not None:
            x = self._attend(x, self.norm)
        if self.narrow is not None:
            x = _at_each_position(self.narrow, x)
        latent: Tensor = self.dropout(x)
        return latent

    def _attend(self, x: Tensor, norm: nn.LayerNorm) -> Tensor:
        rows, columns = x.shape[2:]
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + grid_sinusoids(rows, columns, tokens.shape[2]).to(tokens)
        for layer in self.layers:
            tokens = layer(tokens).states
        attended: Tensor = norm(tokens)
        return attended.transpose(1, 2).reshape(x.shape)


class DecoderLevel(nn.Module):
    """Up-sampling from the level below, the skip connection, two convolutions.

    Args:
        config: the dials.
        level: 0 is the finest.

    Example:
        >>> import torch
        >>> level = DecoderLevel(UNetConfig(width=4), 1)
        >>> level(torch.zeros(1, 16, 3, 5), torch.zeros(1, 8, 6, 10)).shape
        torch.Size([1, 8, 6, 10])
    """

    def __init__(self, config: UNetConfig, level: int) -> None:
        super().__init__()
        channels, has_skip = config.channels(level), level in config.skip_levels
        self.up = up_sampling(config.up_sampling, 2 * channels, channels)
        self.gate = AttentionGate(channels) if has_skip and config.attention_gates else None
        self.first = Convolution(channels, channels, config.norm, beside=channels if has_skip else 0)
        self.second = Convolution(channels, channels, config.norm)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Decode x [batch, 2 · channels, rows, columns].

        Args:
            x: from the level below.
            skip: [batch, channels, 2 · rows, 2 · columns]; None where it carries nothing.
        """
        x = self.up(x)
        if skip is not None and self.gate is not None:
            skip = self.gate(skip, x)
        decoded: Tensor = self.second(self.first(x, skip))
        return decoded


def _double(config: UNetConfig, inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        Convolution(inputs, outputs, config.norm), Convolution(outputs, outputs, config.norm)
    )


def _at_each_position(layer: nn.Module, x: Tensor) -> Tensor:
    """A linear layer on the channels of [batch, channels, rows, columns]: a convolution of 1×1."""
    mapped: Tensor = layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return mapped


def _margins(length: int, stride: int) -> tuple[int, int]:
    """What is missing to the next multiple of the stride, before and after."""
    missing = -length % stride
    return missing // 2, missing - missing // 2


def _padded(images: Tensor, stride: int) -> Tensor:
    """Images mirrored at their edges to whole strides; those too small for that have their edges repeated."""
    (top, bottom), (left, right) = (_margins(length, stride) for length in images.shape[-2:])
    if not (bottom or right):  # what comes before is never more
        return images
    mirrors = bottom < images.shape[-2] and right < images.shape[-1]
    return F.pad(images, (left, right, top, bottom), mode="reflect" if mirrors else "replicate")

"""The Vision Transformer: an image as a sequence of patches (Dosovitskiy et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from regard.models.images.config import VitConfig
from regard.models.images.normalise import Normalise
from regard.models.transformer_layer import Layer, final_norm
from regard.nn.dropout import Dropout
from regard.nn.grid_positions import Grid, GridPositions, LearnedGrid, SinusoidalGrid
from regard.nn.linear import linear
from regard.nn.patches import PatchEmbedding, ShiftedPatchEmbedding, grid_of
from regard.nn.sequence_pool import SequencePool
from regard.nn.stem import ConvolutionalStem

_EMBEDDINGS: dict[
    Literal["patches", "shifted-patches", "convolutions"], Callable[[int, int, int], nn.Module]
] = {
    "patches": PatchEmbedding,
    "shifted-patches": ShiftedPatchEmbedding,
    "convolutions": ConvolutionalStem,
}


class PatchStates(NamedTuple):
    """What a Vision Transformer makes of images.

    Attributes:
        states: [batch, extras + rows · columns, width], the patches row by row.
        grid: rows and columns of the patches.
        extras: tokens before the patches: the class token, if there is one, then the registers.
    """

    states: Tensor
    grid: Grid
    extras: int

    @property
    def patches(self) -> Tensor:
        """[batch, rows · columns, width]."""
        return self.states[:, self.extras :]


class VisionTransformer(nn.Module):
    """Images to logits of classes (Dosovitskiy et al. 2021, §3.1).

    Images may be of any size that patches divide; of another one than `image_size` they get its positions
    stretched.

    Args:
        config: the dials.
        channels: of the images.
        classes: how many.
        image_size: height and width of the images in training.
        mean: of each channel in the training data.
        std: of each channel.

    Raises:
        ValueError: an image size that the patch does not divide; not one mean and one deviation above zero
            for each channel.

    Example:
        >>> config = VitConfig(width=8, heads=2, layers=2)
        >>> model = VisionTransformer(config, 3, 10, (8, 12), mean=[0.5] * 3, std=[0.2] * 3)
        >>> images = torch.rand(2, 3, 8, 12)
        >>> model(images).shape
        torch.Size([2, 10])
        >>> model.encode(images).grid, model.encode(images).states.shape
        ((2, 3), torch.Size([2, 7, 8]))
    """

    def __init__(
        self,
        config: VitConfig,
        channels: int,
        classes: int,
        image_size: tuple[int, int],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.config = config
        self.normalise = Normalise(channels, mean, std)
        self.embedding = _EMBEDDINGS[config.embedding](channels, config.width, config.patch)
        self.positions = _positions(config, grid_of(image_size, config.patch))
        # What stands at no place of the image learns a vector that is its position too.
        self.extras: nn.Parameter | None = None
        if config.extras:
            self.extras = nn.Parameter(torch.empty(config.extras, config.width))
            nn.init.normal_(self.extras, std=0.02)
        self.dropout = Dropout(config.dropout)
        self.encoder = PatchEncoder(config)
        self.pool = SequencePool(config.width) if config.pooling == "sequence" else None
        self.output = linear(config.width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [batch, classes] of images [batch, channels, height, width] in [0, 1].

        Raises:
            ValueError: images of another number of channels, or of a size that the patch does not divide.
        """
        encoded = self.encode(images)
        if self.pool is not None:
            image = self.pool(encoded.patches)
        elif self.config.pooling == "class":
            image = encoded.states[:, 0]
        else:
            image = encoded.patches.mean(1)
        logits: Tensor = self.output(image)
        return logits

    def encode(self, images: Tensor) -> PatchStates:
        """The states of all tokens of images [batch, channels, height, width] in [0, 1].

        Raises:
            ValueError: images of another number of channels, or of a size that the patch does not divide.
        """
        states, grid = self.embedding(self.normalise(images))
        if self.positions is not None:
            states = states + self.positions(grid).to(states.dtype)
        if self.extras is not None:
            states = torch.cat([self.extras.to(states.dtype).expand(len(states), -1, -1), states], 1)
        return PatchStates(self.encoder(self.dropout(states)), grid, self.config.extras)


class PatchEncoder(nn.Module):
    """A stack of Transformer layers in which every token looks at all others.

    Args:
        config: the dials.

    Example:
        >>> PatchEncoder(VitConfig(width=8, heads=2, layers=2))(torch.zeros(2, 7, 8)).shape
        torch.Size([2, 7, 8])
    """

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            Layer(config, causal=False, drop_path=config.layer_drop_path(index))
            for index in range(config.layers)
        )
        self.norm = final_norm(config)

    def forward(self, states: Tensor) -> Tensor:
        """[batch, length, width] -> [batch, length, width]."""
        for layer in self.layers:
            states = layer(states).states
        states = self.norm(states)
        return states


def _positions(config: VitConfig, grid: Grid) -> GridPositions | None:
    match config.positions:
        case "learned":
            return LearnedGrid(config.width, grid)
        case "sinusoidal":
            return SinusoidalGrid(config.width, grid)
        case "none":
            return None

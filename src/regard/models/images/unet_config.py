"""What a recipe says about a U-Net."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from regard.models.layer_config import LayerConfig

# TOML has no tuples.
Levels = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)]


class UNetConfig(BaseModel):
    """The dials of a U-Net. Level 0 is the finest; each level has half the rows and columns of the one above.

    Attributes:
        network: "unet".
        width: channels of level 0; they double from level to level.
        depth: levels above the bottleneck, and so how often an image is halved.
        norm: after each convolution.
        up_sampling: how the decoder doubles rows and columns.
        latent: channels that the bottleneck passes on; all of its own unless said. With a narrow latent on a
            coarse grid, and no skips, the U-Net is an autoencoder that can only restore what it knows.
        skips: which levels have a skip connection.
        attention_gates: skips carry what their gates let through (Oktay et al. 2018).
        bottleneck_attention: Transformer layers in the bottleneck, where every position sees all others.
        heads: of these layers.
        dropout: of the latent, and in these layers.
        residual: the output is a change of the input, as a denoiser's.

    Example:
        >>> config = UNetConfig(width=64, skips=[0, 1], norm="group")
        >>> config.channels(4), config.stride, config.skip_levels
        (1024, 16, (0, 1))
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    network: Literal["unet"] = "unet"
    width: int = Field(default=32, ge=1)
    depth: int = Field(default=4, ge=1, le=8)
    norm: Literal["batch", "instance", "group", "none"] = "batch"
    up_sampling: Literal["transposed", "bilinear", "nearest"] = "transposed"
    latent: int | None = Field(default=None, ge=1)
    skips: Literal["all", "none"] | Levels = "all"
    attention_gates: bool = False
    bottleneck_attention: int = Field(default=0, ge=0)
    heads: int = Field(default=8, ge=1)
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    residual: bool = False

    @property
    def stride(self) -> int:
        """Rows of the image for each row of the latent."""
        return 1 << self.depth

    @property
    def skip_levels(self) -> tuple[int, ...]:
        """Levels with a skip connection, the finest first."""
        if self.skips == "all":
            return tuple(range(self.depth))
        return () if self.skips == "none" else tuple(sorted(set(self.skips)))

    @property
    def layer(self) -> LayerConfig:
        """Of a Transformer layer in the bottleneck."""
        return LayerConfig(
            width=self.channels(self.depth), heads=self.heads, activation="gelu", dropout=self.dropout
        )

    def channels(self, level: int) -> int:
        """Of feature maps at a level; `depth` is the bottleneck's."""
        return self.width << level

    @model_validator(mode="after")
    def _make_sense(self) -> Self:
        beyond = [level for level in self.skip_levels if level >= self.depth]
        if beyond:
            raise ValueError(
                f"skips name level {beyond[0]}, but a U-Net of depth {self.depth} has levels 0 (the finest) "
                f"to {self.depth - 1}"
            )
        if self.attention_gates and not self.skip_levels:
            raise ValueError(
                "attention_gates weigh what skip connections carry, and skips leave none: set "
                'attention_gates to false, or skips to "all"'
            )
        if self.bottleneck_attention:
            self._check_bottleneck()
        return self

    def _check_bottleneck(self) -> None:
        channels = self.channels(self.depth)
        if channels % 4:
            raise ValueError(
                f"the bottleneck has {channels} channels (width · 2^depth): its attention tells rows and "
                "columns by sines and cosines, which take channels by fours; take an even width"
            )
        if channels % self.heads:
            raise ValueError(
                f"the bottleneck has {channels} channels (width · 2^depth), which {self.heads} heads cannot "
                f"share evenly: take {max(h for h in range(1, self.heads + 1) if channels % h == 0)} heads"
            )

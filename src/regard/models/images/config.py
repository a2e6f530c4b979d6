"""What a recipe says about networks that classify images."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from regard.models.layer_config import LayerConfig


class VitConfig(LayerConfig):
    """A Vision Transformer (Dosovitskiy et al. 2021). The defaults are for small images: 2.7 M parameters.

    Beside the dials of its layers (:class:`~regard.models.layer_config.LayerConfig`):

    Attributes:
        network: "vit".
        layers: how many, at most 1,000.
        patch: side of a patch in pixels, which must divide the sides of the images.
        embedding: how pixels become vectors. "patches": one linear map of each; "shifted-patches": of each
            with what lies around it (Lee et al. 2021); "convolutions": a stem that sees neighbours
            (Hassani et al. 2021). The last two learn more from few images.
        positions: added to the vectors; images of another size than in training get them interpolated.
        pooling: what the classes are read from. "class": the state of a class token; "mean": the mean of the
            patches; "sequence": their mean as weighed by attention (Hassani et al. 2021).
        registers: tokens of no place that the model may use as it likes (Darcet et al. 2024).
        drop_path: stochastic depth (Huang et al. 2016): with what probability an image goes without a part of
            the last layer while training; it grows linearly from none at the first.

    Raises:
        ValidationError: a combination that makes no sense, saying why.

    Example:
        >>> VitConfig(width=384, layers=12, heads=6, patch=16).hidden  # ViT-S/16
        1536
    """

    network: Literal["vit"] = "vit"
    width: int = Field(default=192, ge=1)
    layers: int = Field(default=6, ge=1, le=1000)
    heads: int = Field(default=3, ge=1)
    activation: Literal["relu", "gelu", "silu"] = "gelu"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    patch: int = Field(default=4, ge=1)
    embedding: Literal["patches", "shifted-patches", "convolutions"] = "patches"
    positions: Literal["learned", "sinusoidal", "none"] = "learned"
    pooling: Literal["class", "mean", "sequence"] = "class"
    registers: int = Field(default=0, ge=0)
    drop_path: float = Field(default=0.1, ge=0.0, lt=1.0)

    @property
    def extras(self) -> int:
        """Tokens before those of the patches: the class token, if there is one, then the registers."""
        return self.registers + (self.pooling == "class")

    def layer_drop_path(self, layer: int) -> float:
        """Of one layer, counted from 0.

        Example:
            >>> [round(VitConfig(layers=3, drop_path=0.2).layer_drop_path(layer), 2) for layer in range(3)]
            [0.0, 0.1, 0.2]
        """
        return self.drop_path * layer / max(1, self.layers - 1)

    @model_validator(mode="after")
    def _make_sense(self) -> Self:
        self.check_heads()
        self.check_self_attention()
        if self.self_attention.selection == "hard":
            raise ValueError(
                'self_attention.selection is "hard", which learns from a reward for each word written, and a '
                'Vision Transformer writes none; take "gumbel"'
            )
        if self.positions == "sinusoidal" and self.width % 4:
            raise ValueError(
                f"width is {self.width}: sinusoidal positions pair sines with cosines, for rows and for "
                "columns, so it must be a multiple of 4"
            )
        if self.embedding == "shifted-patches" and self.patch < 2:
            raise ValueError(
                'patch is 1 with embedding "shifted-patches", which shifts by half a patch: take 2 or more, '
                'or embedding "patches"'
            )
        if self.embedding == "convolutions" and (self.patch < 2 or self.patch & (self.patch - 1)):
            raise ValueError(
                f'patch is {self.patch} with embedding "convolutions", each of which halves the image: take '
                '2, 4, 8, …, or embedding "patches"'
            )
        return self


class ResNetConfig(BaseModel):
    """A residual network for small images (He et al. 2016, §4.2). 6 · blocks + 2 layers with three stages.

    Attributes:
        network: "resnet".
        width: channels of the first stage; they double from stage to stage, while rows and columns halve.
        blocks: of each stage, two convolutions each.
        stages: how many.
        dropout: before the last layer.

    Example:
        >>> ResNetConfig(width=16, blocks=3).channels(2)  # ResNet-20
        64
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    network: Literal["resnet"] = "resnet"
    width: int = Field(default=32, ge=1)
    blocks: int = Field(default=3, ge=1)
    stages: int = Field(default=3, ge=1, le=6)
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)

    def channels(self, stage: int) -> int:
        """Of a stage, counted from 0."""
        return self.width << stage

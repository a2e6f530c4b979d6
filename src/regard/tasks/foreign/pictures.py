"""Models of pictures that read them in patches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, isfinite
from pathlib import Path
from typing import Any, overload

import torch
from torch import Tensor

from regard.data.images.batches import image_tensor
from regard.data.images.pixels import as_channels, resized
from regard.errors import UserError
from regard.lens import AttentionMap, PatchGrid, Seen, Tokens
from regard.lens.capture.wanted import Keep, Queries
from regard.lens.map import Axis
from regard.lens.summaries import AttentionSummary
from regard.tasks.foreign.folder import ForeignFolderError, json_object
from regard.tasks.foreign.model import At, ForeignModel
from regard.tasks.images.inputs import Given, is_one, listed, pixels_of

_LARGEST_SIDE = 4096  # pixels that a folder may ask for
_POOLED = Tokens(("the picture",))
_HALF = [0.5, 0.5, 0.5]


@dataclass(frozen=True)
class PictureLook:
    """What a model did with a picture.

    Attributes:
        image: what it read, [channels, height, width] in [0, 1], before it was normalised.
        grid: the names of its positions.
        seen: what was captured.
    """

    image: Tensor = field(repr=False, compare=False)
    grid: PatchGrid
    seen: Seen = field(repr=False, compare=False)

    def axes(self, name: str) -> tuple[Axis, Axis]:
        """Who looks and what is looked at, at a place; where a picture is pooled, one query looks at it."""
        return _POOLED if self.seen[name].length == 1 else self.grid, self.grid

    @cached_property
    def attention(self) -> Mapping[str, AttentionMap]:
        """Every map that was kept, by the path of its module; keys are the grid of patches, and queries too
        but where a picture is pooled."""
        return {name: one.map(*self.axes(name)) for name, one in self.seen.items()}

    @cached_property
    def summaries(self) -> Mapping[str, AttentionSummary]:
        """The figures of every place, where a summary was kept."""
        return {name: AttentionSummary.of(one, *self.axes(name)) for name, one in self.seen.items()}


class ForeignPictureModel(ForeignModel):
    """Looks at what a model of pictures attends to.

    Args:
        name: by which it was asked for.
        model: of transformers, with patches of one size.
        path: of its folder, which may say how pictures are prepared.

    Raises:
        ForeignFolderError: what the folder says of pictures makes no sense.

    Example::

        regard.load("hf:my-vit")("seven.png").attention["layers.2.attention"]
    """

    def __init__(self, name: str, model: Any, path: Path) -> None:
        super().__init__(name, model)
        self.preparation = Preparation.of(path, model.config)

    @overload
    def __call__(self, pictures: Given, **options: Any) -> PictureLook: ...
    @overload
    def __call__(self, pictures: Iterable[Given], **options: Any) -> list[PictureLook]: ...
    def __call__(
        self,
        pictures: Given | Iterable[Given],
        **options: Any,
    ) -> PictureLook | list[PictureLook]:
        """Runs the model over a picture, or over several one by one, and looks.

        A picture is brought to the model's size whole: nothing of it is cut off.

        Args:
            pictures: files or pixels.
            **options: ``at``, ``queries``, ``keep`` and ``top`` of `regard.look`.

        Raises:
            UserError: a picture that cannot be read, or attention that is not over the whole of its patches.
        """
        looks = [self._look(one, **options) for one in listed(pictures)]
        return looks[0] if is_one(pictures) else looks

    @torch.no_grad()
    def _look(
        self, picture: Given, *, at: At = "*", queries: Queries = "all", keep: Keep = "weights", top: int = 8
    ) -> PictureLook:
        image = self.preparation.image(picture)
        positions = self._positions
        if keep == "weights":
            self.check_size(at, positions if isinstance(queries, str) else len(queries), positions)
        seen = self.watched(lambda: self._run(image), at, queries=queries, keep=keep, top=top)
        return PictureLook(image, self._grid(positions), seen)

    def length(self, given: Given) -> int:
        """How many positions a picture has: as many as any other."""
        return self._positions

    @cached_property
    def _positions(self) -> int:
        """How many the model looks at, of every place."""
        with torch.no_grad():
            seen = self.watched(self._least, "*", keep="summary", top=1)
        sizes = {(one.keys, len(one.summary.entropy)) for one in seen.values()}
        keys, _ = next(iter(sizes))
        patches = self.preparation.rows * self.preparation.columns
        # Small grids may have fewer patches than there are tokens before them.
        most = max(patches, 1 + int(getattr(self.model.config, "num_register_tokens", 0)))
        pooled = all(one.length in (keys, 1) for one in seen.values())
        if len(sizes) != 1 or not pooled or not 0 <= keys - patches <= most:
            raise UserError(
                f"{self.name}: it does not look at all patches at once (windows, layers of several sizes); "
                "that has no one grid; look at it with regard.look(model)"
            )
        return keys

    def _grid(self, positions: int) -> PatchGrid:
        rows, columns = self.preparation.rows, self.preparation.columns
        before = positions - rows * columns
        registers = [f"[R{number}]" for number in range(1, before)]
        return PatchGrid(rows, columns, tuple(["[CLS]", *registers][:before]), self.preparation.size)

    def _least(self) -> object:
        return self._run(torch.zeros(self.preparation.channels, *self.preparation.size))

    def _run(self, image: Tensor) -> object:
        like = next(self.model.parameters())
        return self.model(pixel_values=self.preparation.normalised(image)[None].to(like))


@dataclass(frozen=True)
class Preparation:
    """What is done to a picture before such a model reads it.

    Attributes:
        size: rows and columns, in pixels.
        patch: rows and columns of a patch.
        channels: 1 or 3.
        mean: that is taken away, by channel.
        std: that is then divided by.
    """

    size: tuple[int, int]
    patch: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, path: Path, config: Any) -> Preparation:
        """From a folder's ``preprocessor_config.json``, where there is one, and the model's own sizes.

        Raises:
            ForeignFolderError: it makes no sense.
        """
        file = path / "preprocessor_config.json"
        try:
            told = json_object(file) if file.exists() else {}
            channels = int(getattr(config, "num_channels", 3))
            size = (told.get("crop_size") if told.get("do_center_crop") else None) or told.get("size")
            normal = told.get("do_normalize", True)
            made = cls(
                _pair(size) or _pair(config.image_size) or (0, 0),
                _pair(config.patch_size) or (0, 0),
                channels,
                tuple(map(float, told.get("image_mean", _HALF)[:channels])) if normal else (0.0,) * channels,
                tuple(map(float, told.get("image_std", _HALF)[:channels])) if normal else (1.0,) * channels,
            )
        except (ValueError, TypeError, AttributeError, KeyError, OSError) as error:
            raise ForeignFolderError(f"{file}: does not say how pictures are prepared: {error}") from None
        sides = zip(made.size, made.patch, strict=True)
        if (
            channels not in (1, 3)
            or not all(0 < patch <= side <= _LARGEST_SIDE for side, patch in sides)
            or not len(made.mean) == len(made.std) == channels
            or not all(map(isfinite, made.mean))
            or not all(0 < std < inf for std in made.std)
        ):
            raise ForeignFolderError(f"{path}: pictures prepared so cannot be: {made}")
        return made

    @property
    def rows(self) -> int:
        """Of patches."""
        return self.size[0] // self.patch[0]

    @property
    def columns(self) -> int:
        """Of patches."""
        return self.size[1] // self.patch[1]

    def image(self, picture: Given) -> Tensor:
        """A picture at the model's size, [channels, height, width] in [0, 1]."""
        pixels = as_channels(pixels_of(picture), "grey" if self.channels == 1 else "rgb")
        return image_tensor([resized(pixels, self.size)])[0]

    def normalised(self, image: Tensor) -> Tensor:
        """What the model reads."""
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (image - mean) / std


def _pair(size: Any) -> tuple[int, int] | None:
    """Rows and columns, of any way in which they are told; None where only one edge is."""
    if isinstance(size, dict):
        edge = size.get("shortest_edge")
        return (int(edge), int(edge)) if edge else (int(size["height"]), int(size["width"])) if size else None
    if isinstance(size, list | tuple):
        return int(size[0]), int(size[1])
    return None if size is None else (int(size), int(size))

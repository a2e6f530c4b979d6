"""Decoded pictures and their targets on disk, mapped, not read, into memory."""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regard.data.images.reading import Mask, Picture
from regard.data.mapped import mapped, read_about

ABOUT = "pictures.json"
FORMAT = 2
# Depth of a picture as the table of shapes has it.
DEPTHS = (np.dtype("u1"), np.dtype("<u2"), np.dtype("<f4"))
# A mask's pixel that does not count.
UNCOUNTED = 65_535


class Meaning(NamedTuple):
    """What numbers stand for: other splits, and pictures that a model is tested on, take that of training.

    Attributes:
        classes: names of the labels 0, 1, …
        values: what the masks' numbers 0, 1, … were in the files.
        instances: masks number instances: what counts and is no background is of one class.
    """

    classes: tuple[str, ...] = ()
    values: tuple[int, ...] = ()
    instances: bool = False


class PictureStore:
    """Pictures of a split, each of its own size and depth; processes that open it share its memory.

    A folder holds, little-endian: `pixels` (bytes, picture after picture, each begun at a multiple of 4),
    `shapes` (uint32 [rows, 4]: height, width, channels, depth), `starts` (uint64 [rows]), `labels`
    (int32 [rows], -1 where there is none), `masks` (uint16) and `mask_starts` (int64 [rows], -1 where there
    is none), and `pictures.json`. Build one with `regard.data.images.build.build_store`.

    Attributes:
        folder: where it lies.
        digest: hash of all pixels, labels and masks, in order; equal digests are equal stores.
        names: of the pictures.
        classes: names of the labels; empty where there are none.
        values: what the masks' numbers were in the files: number 1 was `values[1]`. Empty where they number
            instances, or there are none.
        instances: masks number instances from 1; 0 is background.
        kinds: kind of each picture, or the empty text.
        labels: [rows], int32.
        shapes: height, width, channels and depth of each, [rows, 4].
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        about = read_about(self.folder / ABOUT, FORMAT, "store of pictures")
        self.digest: str = about["digest"]
        self.names: tuple[str, ...] = tuple(about["names"])
        self.classes: tuple[str, ...] = tuple(about["classes"])
        self.values: tuple[int, ...] = tuple(about["values"])
        self.instances: bool = about["instances"]
        self.kinds: tuple[str, ...] = tuple(about["kinds"])
        rows = len(self.names)
        self.shapes: npt.NDArray[np.uint32] = mapped(self.folder / "shapes", "<u4", rows * 4).reshape(-1, 4)
        self.labels: npt.NDArray[np.int32] = mapped(self.folder / "labels", "<i4", rows)
        self._starts = mapped(self.folder / "starts", "<u8", rows)
        self._mask_starts = mapped(self.folder / "mask_starts", "<i8", rows)
        self._pixels = mapped(self.folder / "pixels", "u1", about["bytes"])
        self._masks = mapped(self.folder / "masks", "<u2", about["mask_pixels"])

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"PictureStore({str(self.folder)!r}, rows={len(self):,}, digest={self.digest[:12]!r})"

    def __reduce__(self) -> tuple[type["PictureStore"], tuple[Path]]:
        # A worker gets the folder and maps it itself; the rows are never copied.
        return PictureStore, (self.folder,)

    def picture(self, row: int) -> Picture:
        """A picture [height, width, channels], a view of the file.

        Raises:
            IndexError: no such row.
        """
        height, width, channels, depth = self._shape(row)
        dtype, start = DEPTHS[depth], int(self._starts[row])
        size = height * width * channels * dtype.itemsize
        return self._pixels[start : start + size].view(dtype).reshape(height, width, channels)

    def mask(self, row: int) -> Mask | None:
        """A picture's mask [height, width], a view of the file; 65535 where a pixel does not count.

        Raises:
            IndexError: no such row.
        """
        height, width, _, _ = self._shape(row)
        start = int(self._mask_starts[row])
        return None if start < 0 else self._masks[start : start + height * width].reshape(height, width)

    @cached_property
    def together(self) -> Picture | None:
        """All pictures [rows, height, width, channels] where they have one size and depth, else None."""
        height, width, channels, depth = self._shape(0)
        size = height * width * channels * DEPTHS[depth].itemsize
        if (self.shapes != self.shapes[0]).any() or size % 4:
            return None
        return self._pixels.view(DEPTHS[depth]).reshape(len(self), height, width, channels)

    @property
    def meaning(self) -> Meaning:
        """What labels and masks stand for."""
        return Meaning(self.classes, self.values, self.instances)

    @property
    def channels(self) -> int:
        """Of every picture."""
        return int(self.shapes[0, 2])

    @property
    def has_masks(self) -> bool:
        """Whether there are masks at all."""
        return bool(len(self._masks))

    def _shape(self, row: int) -> tuple[int, int, int, int]:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)} pictures")
        height, width, channels, depth = self.shapes[row].tolist()
        return height, width, channels, depth

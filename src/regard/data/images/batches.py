"""Batches of pictures: rows of a store, cut to one size, changed at random, with their targets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regard.data.errors import DataError
from regard.data.images.augment import Augment
from regard.data.images.chance import chances, generator
from regard.data.images.config import AugmentConfig
from regard.data.images.pixels import to_float
from regard.data.images.quick import CHANCES, move
from regard.data.images.reading import Mask, Picture
from regard.data.images.store import UNCOUNTED, PictureStore

IGNORE = -100


@dataclass(frozen=True)
class ImageBatch:
    """Pictures and what a model shall say of them.

    Attributes:
        images: [b, c, h, w] in [0, 1], channels last in memory.
        targets: labels [b], or classes of pixels [b, h, w] with -100 where none counts, or clean pictures
            [b, c, h, w]; None where there are none.
        instances: of pixels, the number of the instance, 0 for background and -100 where none counts
            [b, h, w]; None where masks do not tell instances apart.
        filled: pixels that are a picture's own, none mirrored at its edge.
    """

    images: Tensor
    targets: Tensor | None
    instances: Tensor | None
    filled: int

    @property
    def positions(self) -> int:
        """All pixels; the padding share is 1 - filled / positions."""
        return self.images.numel() // self.images.shape[1]

    def to(self, device: torch.device | str) -> "ImageBatch":
        """The same batch on a device; from pinned memory without waiting."""
        targets, instances = (
            None if part is None else part.to(device, non_blocking=True)
            for part in (self.targets, self.instances)
        )
        images = self.images.to(device, non_blocking=True)
        return replace(self, images=images, targets=targets, instances=instances)


def training_batch(
    store: PictureStore,
    rows: npt.NDArray[np.int64],
    *,
    seed: int,
    epoch: int,
    augment: AugmentConfig | None = None,
    window: tuple[int, int] | None = None,
) -> ImageBatch:
    """Rows of a store, changed at random; what becomes of a row depends on (seed, epoch, row) alone.

    Args:
        store: pictures and targets.
        rows: which; row r is of picture r modulo their number, so that more rows are more views of each.
        seed, epoch: of what is random.
        augment: changes; None makes none.
        window: rows and columns that are seen of a picture, anywhere in it. A smaller picture is continued by
            its mirror image, which does not count in a mask.

    Raises:
        DataError: pictures of several sizes, and no window.
        UserError: MONAI is not installed, and `augment` needs it.
    """
    augment = augment or AugmentConfig()
    chance = chances(seed, epoch, rows, CHANCES + 2)
    pixels, masks, filled = _gathered(store, rows % len(store), window, chance[:, CHANCES:])
    pixels, masks = move(pixels, masks, augment, chance[:, :CHANCES])
    images = _images(pixels)
    numbers = None if masks is None else torch.from_numpy(masks.astype(np.int64))
    change = Augment(augment, (images.shape[2], images.shape[3]))
    if change.changes:
        # Into new memory: of pictures as fractions, `images` may be what `pixels` is.
        images = images.clone(memory_format=torch.channels_last)
        for place, row in enumerate(rows.tolist()):
            mask = None if numbers is None else numbers[place]
            images[place], changed = change(images[place], mask, generator(seed, epoch, row))
            if numbers is not None and changed is not None:
                numbers[place] = changed
    return _batch(store, rows, images, numbers, filled)


def plain_batch(store: PictureStore, rows: npt.NDArray[np.int64]) -> ImageBatch:
    """Rows of a store as they are; of pictures of several sizes, one at a time.

    Raises:
        DataError: rows of several sizes.
    """
    pixels, masks, filled = _gathered(store, rows, None, np.empty((len(rows), 0)))
    numbers = None if masks is None else torch.from_numpy(masks.astype(np.int64))
    return _batch(store, rows, _images(pixels), numbers, filled)


def image_tensor(pictures: Sequence[Picture]) -> Tensor:
    """Pictures of one size as [b, c, h, w] in [0, 1]; each by its own depth.

    Example:
        >>> image_tensor([np.full((2, 3, 1), 255, np.uint8)]).shape
        torch.Size([1, 1, 2, 3])
    """
    return _images(np.stack([to_float(picture) for picture in pictures]))


def _images(pixels: Picture) -> Tensor:
    # As they lie in memory: a view, and what convolutions run fastest on.
    return torch.from_numpy(to_float(pixels)).permute(0, 3, 1, 2)


def _batch(
    store: PictureStore, rows: npt.NDArray[np.int64], images: Tensor, numbers: Tensor | None, filled: int
) -> ImageBatch:
    instances = None
    if numbers is not None:
        targets: Tensor | None = numbers.masked_fill_(numbers == UNCOUNTED, IGNORE)
        if store.instances:
            # What counts and is no background is of the one class that there is.
            targets, instances = numbers.clamp(max=1), numbers
    else:
        targets = (
            torch.from_numpy(store.labels[rows % len(store)].astype(np.int64)) if store.classes else None
        )
    return ImageBatch(images, targets, instances, filled)


def _gathered(
    store: PictureStore,
    rows: npt.NDArray[np.int64],
    window: tuple[int, int] | None,
    chance: npt.NDArray[np.float64],
) -> tuple[Picture, Mask | None, int]:
    """Pictures [b, h, w, c] and masks [b, h, w] of one size, in memory of their own; pixels that are real."""
    together = store.together
    if together is not None and window is None and not store.has_masks:
        pixels = together[rows]
        return pixels, None, pixels[..., 0].size
    if window is None and (store.shapes[rows, :2] != store.shapes[rows[0], :2]).any():
        raise DataError(
            f"{store.folder.name}: pictures have several sizes; give data.size (all are resized) or data.crop"
        )
    cut = [_cut(store, row, window, chance[place]) for place, row in enumerate(rows.tolist())]
    filled = sum(real for _, _, real in cut)
    depths = {pixels.dtype for pixels, _, _ in cut}
    pictures = np.stack([pixels if len(depths) == 1 else to_float(pixels) for pixels, _, _ in cut])
    return pictures, np.stack([mask for _, mask, _ in cut]) if store.has_masks else None, filled


def _cut(
    store: PictureStore, row: int, window: tuple[int, int] | None, chance: npt.NDArray[np.float64]
) -> tuple[Picture, Mask, int]:
    """A window of a picture and of its mask, and how much of it is the picture's own."""
    pixels, mask = store.picture(row), store.mask(row)
    if mask is None:  # a good picture beside such with defects
        mask = np.zeros(pixels.shape[:2], np.uint16)
    if window is None:
        return pixels, mask, mask.size
    spare = [have - want for have, want in zip(mask.shape, window, strict=True)]
    first = [int(part * (max(left, 0) + 1)) for part, left in zip(chance, spare, strict=True)]
    at = tuple(slice(start, start + want) for start, want in zip(first, window, strict=True))
    pixels, mask = pixels[at], mask[at]
    real = mask.size
    if min(spare) < 0:
        missing = [(0, max(-left, 0)) for left in spare]
        pixels = np.pad(pixels, [*missing, (0, 0)], "symmetric")
        mask = np.pad(mask, missing, constant_values=UNCOUNTED)
    return pixels, mask, real

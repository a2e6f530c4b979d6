"""Random changes that only move whole pixels: many pictures at a time, without a library."""

import numpy as np
import numpy.typing as npt

from regard.data.images.config import AugmentConfig
from regard.data.images.reading import Mask, Picture
from regard.data.images.store import UNCOUNTED

# Random numbers that `move` takes: two of a shift, two flips, one turn.
CHANCES = 5


def move(
    pixels: Picture, masks: Mask | None, augment: AugmentConfig, chance: npt.NDArray[np.float64]
) -> tuple[Picture, Mask | None]:
    """Shift over a border, flip and turn each picture, and its mask alike.

    What comes in from beyond a border is black, and does not count in the mask. Pictures that are not square
    are turned by 180 degrees alone.

    Args:
        pixels: [rows, height, width, channels]; may be changed in place.
        masks: [rows, height, width], or None; may be changed in place.
        augment: which of it.
        chance: numbers in [0, 1), [rows, 5].

    Returns:
        Pictures and masks of the same shapes.
    """
    black = np.zeros((), pixels.dtype)
    changed = [(pixels, black)] + ([(masks, np.array(UNCOUNTED, masks.dtype))] if masks is not None else [])
    moved = [_moved(array, border, augment, chance) for array, border in changed]
    return moved[0], moved[1] if masks is not None else None


def _moved(
    array: Picture, border: Picture, augment: AugmentConfig, chance: npt.NDArray[np.float64]
) -> Picture:
    if augment.crop_padding:
        array = _shifted(array, border, augment.crop_padding, chance[:, :2])
    if augment.flip != "none":
        chosen = chance[:, 2] < 0.5
        array[chosen] = array[chosen][:, :, ::-1]
    if augment.flip == "both":
        chosen = chance[:, 3] < 0.5
        array[chosen] = array[chosen][:, ::-1]
    if augment.rotate90:
        quarters = (chance[:, 4] * 4).astype(int)
        square = array.shape[1] == array.shape[2]
        for turn in (1, 2, 3) if square else (2,):
            chosen = quarters == turn if square else quarters >= 2
            array[chosen] = np.rot90(array[chosen], turn, axes=(1, 2))
    return array


def _shifted(array: Picture, border: Picture, most: int, chance: npt.NDArray[np.float64]) -> Picture:
    height, width = array.shape[1:3]
    shifts = (chance * (2 * most + 1)).astype(int) - most
    made = np.full_like(array, border)
    for row, (down, right) in enumerate(shifts.tolist()):
        (to_rows, rows), (to_columns, columns) = _overlap(down, height), _overlap(right, width)
        made[row, to_rows, to_columns] = array[row, rows, columns]
    return made


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    """Where what stays inside goes to, and where it comes from; empty where nothing stays.

    Example:
        >>> _overlap(-1, 4), _overlap(9, 4)
        ((slice(0, 3, None), slice(1, 4, None)), (slice(0, 0, None), slice(0, 0, None)))
    """
    first, last = max(shift, 0), min(size + shift, size)
    if first >= last:
        return slice(0, 0), slice(0, 0)
    return slice(first, last), slice(first - shift, last - shift)

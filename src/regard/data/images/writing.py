"""Writing pictures: whole or not at all, at their own depth, over nothing that is there."""

import os
import threading
from pathlib import Path

import numpy as np
from PIL import Image

from regard.data.errors import DataError
from regard.data.images.reading import Picture

# What each kind of file can hold without loss; JPEG and WebP would change masks and scores.
_DEPTHS: dict[str, tuple[str, ...]] = {
    ".png": ("uint8", "uint16"),
    ".bmp": ("uint8",),
    ".tif": ("uint8", "uint16", "float32"),
    ".tiff": ("uint8", "uint16", "float32"),
    ".jpg": ("uint8",),
    ".jpeg": ("uint8",),
    ".webp": ("uint8",),
}
_FORMATS = {".tif": "TIFF", ".jpg": "JPEG"}


def write_picture(path: Path, pixels: Picture, *, overwrite: bool = False) -> None:
    """Write a picture; it appears only when it is whole.

    Args:
        path: its suffix says the format: PNG, TIFF and BMP keep every pixel, JPEG and WebP do not.
        pixels: [height, width] or [height, width, 1 … 4], uint8, uint16 or float32.
        overwrite: replace a file that is there.

    Raises:
        DataError: the file is there already; its kind cannot hold this depth or these channels; it cannot be
            written.
    """
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    suffix = path.suffix.lower()
    _check(path, suffix, pixels)
    if path.exists() and not overwrite:
        raise DataError(f"{path}: is there already; nothing was written")
    kind = _FORMATS.get(suffix, suffix[1:].upper())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Without the name of the picture, which may be as long as names can be.
        made = path.with_name(f".{os.getpid()}-{threading.get_ident()}{suffix}")
        try:
            options = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
            Image.fromarray(pixels).save(made, kind, **options)
            _place(made, path, overwrite)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None


def _check(path: Path, suffix: str, pixels: Picture) -> None:
    if suffix not in _DEPTHS:
        raise DataError(f"{path}: pictures are written as {', '.join(_DEPTHS)}, not {suffix or 'no suffix'}")
    if pixels.dtype.name not in _DEPTHS[suffix]:
        raise DataError(f"{path}: {suffix} cannot hold {pixels.dtype.name}; write a .tif")
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels > 1 and pixels.dtype != np.uint8:
        raise DataError(f"{path}: only grey is written at more than 8 bits, not {channels} channels")
    if channels in (2, 4) and suffix in (".jpg", ".jpeg", ".bmp"):
        raise DataError(f"{path}: {suffix} cannot hold what is transparent; write a .png")


def _place(made: Path, path: Path, overwrite: bool) -> None:
    """Put a file in its place; one that came there meanwhile stays, unless it may be replaced."""
    if overwrite:
        made.replace(path)
        return
    try:
        path.hardlink_to(made)
    except FileExistsError:
        raise DataError(f"{path}: is there already; nothing was written") from None
    except OSError:  # a disk without links
        made.replace(path)

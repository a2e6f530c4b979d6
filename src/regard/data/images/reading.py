"""Picture files as arrays: what can be read, within bounds, and one plain error for what cannot.

A picture is [height, width, channels] in the depth of its file: uint8, uint16 or float32. Its channels are
grey, grey and alpha, RGB, or RGB and alpha; `regard.data.images.pixels` turns one into another.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from regard.data.errors import DataError, why_no_file
from regard.data.images.stacks import FORMATS, Stack

Picture = npt.NDArray[Any]
Mask = npt.NDArray[np.uint16]
File = Path | BinaryIO | Stack

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
STACKS = (".tif", ".tiff")
# 11,585 x 11,585: half a gigabyte as RGBA. A small file can claim any size, so this is looked at first.
MOST_PIXELS = 1 << 27
MOST_PAGES = 10_000
# The mode that pixels of each mode are read in; whole numbers and fractions of one channel stay as they are.
_MODES = {mode: mode for mode in ("L", "LA", "RGB", "RGBA")} | {
    **{"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "PA": "RGBA"},
    **dict.fromkeys(("CMYK", "YCbCr", "LAB", "HSV"), "RGB"),
}
# Tags of TIFF (revision 6.0, §8 and §19), and values of two of them.
_BITS, _PHOTOMETRIC, _MEANING = 258, 262, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2
_NUMBERS = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture, by its name.

    Example:
        >>> is_picture("cat/001.JPG"), is_picture("README.md"), is_picture("cat/.001.png")
        (True, False, False)
    """
    return name.lower().endswith(SUFFIXES) and not name.rsplit("/", 1)[-1].startswith(".")


def read_picture(
    file: File, name: str = "", page: int | None = None, *, most_pixels: int = MOST_PIXELS
) -> Picture:
    """A picture as it is meant to be seen: turned as its EXIF orientation says, its palette looked up.

    Args:
        file: a path, or what is open for reading; a stack of which many pages are read as a `Stack`.
        name: what errors call it; the path, if left out.
        page: of a TIFF stack, counted from 0. Without it a stack is refused; of an animation the first
            picture is taken.
        most_pixels: bound on height x width, checked before anything is decoded.

    Returns:
        [height, width, channels], uint8, uint16 or float32.

    Raises:
        DataError: no such file or page; a file that is empty, cut off, damaged, no picture, too large, of a
            kind that is not supported, or a stack; pixels that are no numbers, or fractions outside 0 … 1.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (4, 3)).save(file, "PNG")
        >>> read_picture(file, "small.png").shape
        (3, 4, 3)
    """
    with _opened(file, name, page, most_pixels) as (image, label):
        image = image if image.mode in _NUMBERS else _with_alpha(image, _mode(image, label))
        # A view of pillow's memory cannot be written to; a copy can, and outlives the file.
        pixels = np.array(ImageOps.exif_transpose(image))
        pixels = _unsigned(pixels, label)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def read_indices(
    file: File, name: str = "", page: int | None = None, *, most_pixels: int = MOST_PIXELS
) -> Mask:
    """The whole numbers that a mask holds: grey values, or places in its palette and not the colours there.

    Args:
        file, name, page, most_pixels: as `read_picture` has them.

    Returns:
        [height, width], uint16.

    Raises:
        DataError: as `read_picture`; three channels that are not the same grey; fractions; a JPEG with more
            than two numbers, of which the compression has made most.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> Image.new("L", (2, 1), color=2).save(file, "PNG")
        >>> read_indices(file, "mask.png").tolist()
        [[2, 2]]
    """
    with _opened(file, name, page, most_pixels) as (image, label):
        if image.mode == "P":
            return np.array(ImageOps.exif_transpose(image), np.uint16)
        converted = image if image.mode in _NUMBERS else image.convert(_mode(image, label))
        pixels = np.array(ImageOps.exif_transpose(converted))
        if pixels.ndim == 3:
            colours = pixels[..., :3] if pixels.shape[2] > 2 else pixels[..., :1]
            if (colours != colours[..., :1]).any():
                raise DataError(
                    f"{label}: a mask in colours, of unknown meaning; save it in grey, a number a class"
                )
            pixels = colours[..., 0]
        if pixels.dtype == np.float32:
            if not np.array_equal(pixels, np.rint(pixels)):
                raise DataError(f"{label}: a mask with fractions; save it as whole numbers, one a class")
            pixels = pixels.astype(np.int64)
        if pixels.min() < 0 or pixels.max() > 65535:
            raise DataError(f"{label}: a mask with values outside 0 … 65535")
        # Few enough to pass for classes where masks are simple: 0, 1, 2, …, 253, 254, 255.
        if image.format == "JPEG" and np.count_nonzero(np.bincount(pixels.ravel())) > 2:
            raise DataError(
                f"{label}: a mask saved as JPEG, which changes its numbers; save masks as PNG. One that was "
                "black and white is so again where what is above 127 is made 255, and the rest 0"
            )
        return pixels.astype(np.uint16)


def count_pages(file: File, name: str = "") -> int:
    """How many pages a TIFF has; 1 for any other picture.

    Raises:
        DataError: as `read_picture`; more pages than 10,000.
    """
    with _opened(file, name, 0) as (image, label):
        pages = _pages(image)
        if pages > MOST_PAGES:
            raise DataError(f"{label}: has {pages:,} pages; {MOST_PAGES:,} are the most that are read")
        return pages


@contextmanager
def _opened(
    file: File, name: str, page: int | None, most_pixels: int = MOST_PIXELS
) -> Iterator[tuple[Image.Image, str]]:
    """A page of a file, fit to be decoded, and what to call it; any failure becomes one plain error."""
    label = name or str(file)
    try:
        _check_file(file, label)
        with _image(file) as image:
            if page is None:
                if (pages := _pages(image)) > 1:
                    raise DataError(
                        f"{label}: is a stack of {pages} pages, not one picture; save its pages as pictures "
                        "of their own (as data.train and the like, a stack is taken whole)"
                    )
            else:
                _turn_to(image, page, label)
                label = f"{label}, page {page}" if page else label
            if image.format == "TIFF":
                _check_tiff(image, label)
            if image.width * image.height > most_pixels:
                raise Image.DecompressionBombError
            yield image, label
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise DataError(f"{label}: more than {most_pixels:,} pixels; cut it into pieces") from None
    except UnidentifiedImageError:
        raise DataError(f"{label}: no picture, or damaged ({', '.join(FORMATS)} are read)") from None
    except MemoryError:
        raise DataError(f"{label}: does not fit into memory") from None
    except Exception as error:  # decoders raise many kinds for a damaged file
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{label}: cannot be read ({error.strerror})") from None
        raise DataError(f"{label}: damaged, or cut off ({error or type(error).__name__})") from None


@contextmanager
def _image(file: File) -> Iterator[Image.Image]:
    """The file as pillow opens it: what is in it is not decoded yet."""
    if isinstance(file, Stack):
        try:
            yield file.image()
        except BaseException:
            file.let_go()
            raise
        return
    # Of a path, pillow maps plain pixels in the shape that their EXIF orientation only gives them later.
    opened = file.open("rb") if isinstance(file, Path) else nullcontext(file)
    with opened as stream, Image.open(stream, formats=FORMATS) as image:
        yield image


def _check_file(file: File, label: str) -> None:
    file = file.path if isinstance(file, Stack) else file
    if isinstance(file, Path):
        if not file.is_file():
            raise DataError(f"{label}: {why_no_file(file)}")
        size = file.stat().st_size
    else:
        size = file.seek(0, 2)
        file.seek(0)
    if not size:
        raise DataError(f"{label}: is empty")


def _turn_to(image: Image.Image, page: int, label: str) -> None:
    """Finds a page without going through all that follow it."""
    try:
        if page and image.format != "TIFF":
            raise EOFError
        image.seek(page)
    except EOFError:
        raise DataError(f"{label}: has no page {page} (they are counted from 0)") from None


def _pages(image: Image.Image) -> int:
    # Of other formats, only animations and a camera's previews have more than one picture.
    return int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1


def _check_tiff(image: Image.Image, label: str) -> None:
    """Refuses what pillow would read as other numbers than those in the file, and say nothing."""
    tags: dict[int, Any] = image.tag_v2  # type: ignore[attr-defined]
    bits, meaning = max(tags.get(_BITS, (1,))), tags.get(_MEANING, (1,))
    if bits > 8 and image.mode not in _NUMBERS:
        raise _too_deep(label)
    if bits <= 8 and _SIGNED in meaning:
        raise DataError(f"{label}: has numbers below zero at 8 bits; save it without them, or at 16 bits")
    if image.mode in _NUMBERS and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        raise DataError(f"{label}: 0 is white there (WhiteIsZero) at {bits} bits; save it with 0 as black")


def _too_deep(label: str) -> DataError:
    return DataError(
        f"{label}: has colours or alpha at 16 bits a channel, of which only 8 could be read; "
        "save it at 8 bits, or in grey"
    )


def _mode(image: Image.Image, label: str) -> str:
    # What is still in the file: pillow gives the upper 8 bits of deep colours, and says nothing.
    if any(";16" in str(tile.args) for tile in getattr(image, "tile", ())):
        raise _too_deep(label)
    if image.mode == "P":
        return "RGBA" if "transparency" in image.info else "RGB"
    if image.mode not in _MODES:
        raise DataError(f"{label}: pixels of mode {image.mode} are not supported")
    return _MODES[image.mode]


def _with_alpha(image: Image.Image, mode: str) -> Image.Image:
    """In a mode, or in that with alpha where one colour of a PNG is transparent."""
    if "transparency" not in image.info:
        return image.convert(mode)
    if mode == "L":  # pillow multiplies grey pixels of fewer than 8 bits, and not the one that is transparent
        packed = str(image.tile[0].args) if image.tile else ""  # type: ignore[attr-defined]
        image.info["transparency"] *= {"L;2": 85, "L;4": 17}.get(packed, 1)
    return image.convert({"L": "LA", "RGB": "RGBA"}.get(mode, mode))


def _unsigned(pixels: Picture, label: str) -> Picture:
    """Pixels as uint8, uint16 or float32."""
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    low, high = pixels.min(), pixels.max()
    if np.issubdtype(pixels.dtype, np.integer):
        if low < 0 or high > 65535:
            raise DataError(f"{label}: values from {low} to {high}; whole numbers must lie in 0 … 65535")
        return pixels.astype(np.uint16)
    if not np.isfinite(pixels).all():
        raise DataError(f"{label}: has pixels that are infinite or not a number")
    if low < 0 or high > 1:
        raise DataError(
            f"{label}: fractions from {low:g} to {high:g}; they must lie in 0 … 1. Divide them by the "
            "greatest value that any of the pictures can have"
        )
    return pixels.astype(np.float32)

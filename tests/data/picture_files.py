"""Picture files for tests, made in a few lines."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image


def noise(*shape: int, seed: int = 0, dtype: Any = np.uint8) -> npt.NDArray[Any]:
    """Random pixels over the whole range of the type."""
    random = np.random.default_rng(seed)
    if np.dtype(dtype) == np.float32:
        return random.random(shape, np.float32)
    return random.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def save(path: Path, pixels: npt.NDArray[Any], **options: Any) -> Path:
    """An array as a file of the suffix's kind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def save_stack(path: Path, pages: list[npt.NDArray[Any]]) -> Path:
    """Arrays as the pages of a TIFF."""
    first, *others = map(Image.fromarray, pages)
    first.save(path, save_all=True, append_images=others)
    return path


def png(
    width: int,
    height: int,
    *,
    bits: int = 8,
    colour: int = 0,
    data: bytes = b"",
    transparent: int | None = None,
) -> bytes:
    """A PNG that says what it is told to, whatever its data are."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    hole = b"" if transparent is None else chunk(b"tRNS", struct.pack(">H", transparent))
    body = chunk(b"IHDR", header) + hole + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body

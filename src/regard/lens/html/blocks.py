"""Arrays as text within a page: packed where that pays, and read only when they are looked at."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Names of JavaScript's typed arrays, by numpy's codes.
_TYPES = {
    "|u1": "Uint8Array",
    "|i1": "Int8Array",
    "<u2": "Uint16Array",
    "<u4": "Uint32Array",
    "<f4": "Float32Array",
}
_WORTH_PACKING = 0.95


class Blocks:
    """The blocks of a page, in order; each holds arrays that are wanted together.

    Example:
        >>> blocks = Blocks()
        >>> blocks.add({"zeros": np.zeros(1000, "<u2"), "one": np.ones(1, "<f4")})["arrays"]
        {'zeros': ['Uint16Array', 0, 1000], 'one': ['Float32Array', 2000, 1]}
        >>> len(blocks.texts[0]) < 100
        True
    """

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Takes arrays in and returns where the page finds them."""
        described, pieces, offset = {}, [], 0
        for name, array in arrays.items():
            data = np.ascontiguousarray(array).tobytes()
            described[name] = [_TYPES[array.dtype.str], offset, array.size]
            # The page reads arrays in place, so each begins at a multiple of the widest type's size.
            data += bytes(-len(data) % 4)
            pieces.append(data)
            offset += len(data)
        raw = b"".join(pieces)
        deflated = zlib.compress(raw, 6)
        packed = len(deflated) < _WORTH_PACKING * len(raw)
        self.texts.append(base64.b64encode(deflated if packed else raw).decode("ascii"))
        return {"block": len(self.texts) - 1, "packed": packed, "arrays": described}

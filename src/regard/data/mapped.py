"""Data laid down in a folder: what is said about it, and its arrays, mapped and not read into memory."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from regard.data.errors import DataError


def read_about(path: Path, form: int, what: str) -> dict[str, Any]:
    """What a JSON file says about the folder that it is in.

    Args:
        path: the file.
        form: its key `format` must be this.
        what: what errors call the folder.

    Raises:
        DataError: it is not there, damaged, or of another format.
    """
    try:
        about: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if about["format"] != form:
            raise DataError(
                f"{path}: format {about['format']}, this version reads {form}; delete the folder, and it is "
                "made again"
            )
    except OSError as error:
        raise DataError(f"{path}: no {what} ({error.strerror})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: damaged ({error}); delete the folder, and it is made again") from None
    return about


def mapped(path: Path, dtype: str, count: int) -> npt.NDArray[Any]:
    """An array [count] as it lies in a file.

    Raises:
        DataError: the file is missing, or not of this size.
    """
    wanted = count * np.dtype(dtype).itemsize
    found = path.stat().st_size if path.is_file() else -1
    if found != wanted:
        what = "is missing" if found < 0 else f"has {found} bytes, expected {wanted}"
        raise DataError(f"{path}: {what}; delete the folder {path.parent}, and it is made again")
    if count == 0:  # an empty file cannot be mapped
        return np.empty(0, dtype)
    # A plain view of the mapping: slicing a memmap object itself is many times slower.
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=(count,)))

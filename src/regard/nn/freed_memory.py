"""Keep freed memory in the process.

A step of training, or of decoding with a large vocabulary, frees and takes back the same large tensors. By
default glibc returns each of them to the system, which hands it back page by page, zeroed: up to a third of
a step of training on a CPU, of the product that gives 32,000 logits to each of 320 rows, and of a U-Net on a
window of 512².
"""

from __future__ import annotations

import ctypes
import functools

# From <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_NEVER = 2**31 - 1


@functools.cache
def keep_freed_memory() -> bool:
    """Tell glibc to reuse freed blocks of up to 1 GiB; True where it did, False elsewhere, harmlessly.

    Training, decoding and the reading of pictures do so when they begin, for the whole process.

    The process then holds the most that it ever needed, until `give_back_freed_memory`, and somewhat more:
    before glibc 2.38 an aligned block may not fit where an equal one was freed. Calling again changes
    nothing.

    Example:
        >>> keep_freed_memory() in (True, False)
        True
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl and macOS have no mallopt, Windows no CDLL(None)
        return False
    # Some releases of glibc allow 32 MiB at most.
    large = bool(mallopt(_M_MMAP_THRESHOLD, 2**30)) or bool(mallopt(_M_MMAP_THRESHOLD, 2**25))
    return large and bool(mallopt(_M_TRIM_THRESHOLD, _NEVER))


def give_back_freed_memory() -> bool:
    """Give the system, once, what is free at this moment; True where there was something, False elsewhere.

    For after a piece of work that took more than what comes next will take.

    Example:
        >>> give_back_freed_memory() in (True, False)
        True
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError, TypeError):
        return False

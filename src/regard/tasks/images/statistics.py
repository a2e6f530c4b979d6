"""What a network normalises its images by."""

import numpy as np

from regard.data.images.pixels import to_float
from regard.data.images.store import PictureStore

# Enough that the mean of a channel is known to a thousandth.
_MOST_PICTURES = 2000
# Pixels that are added up at a time: a picture may be as large as memory, its copies in float64 may not.
_AT_A_TIME = 1 << 22
# Of a picture that is one colour everywhere: small, and no division by zero.
_LEAST_DEVIATION = 1e-3


def channel_statistics(store: PictureStore) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel in [0, 1], over evenly spread pictures of a store.

    Args:
        store: the pictures of training.
    """
    rows = np.linspace(0, len(store) - 1, min(len(store), _MOST_PICTURES)).astype(int)
    count, total, squares = 0, np.zeros(store.channels), np.zeros(store.channels)
    for row in rows.tolist():
        picture = store.picture(row).reshape(-1, store.channels)
        count += len(picture)
        for first in range(0, len(picture), _AT_A_TIME):
            pixels = to_float(picture[first : first + _AT_A_TIME]).astype(np.float64)
            total += pixels.sum(0)
            squares += (pixels**2).sum(0)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return tuple(mean.tolist()), tuple(np.maximum(deviation, _LEAST_DEVIATION).tolist())

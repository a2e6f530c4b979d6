"""Random numbers that belong to a row: a pure function of seed, epoch and row, whatever batch it rides in."""

import numpy as np
import numpy.typing as npt

from regard.data.permutation import mix, scramble


def chances(seed: int, epoch: int, rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.float64]:
    """So many numbers in [0, 1) for each row, [rows, count].

    Example:
        >>> first = chances(1, 0, np.array([4, 7]), 3)
        >>> bool((first[1] == chances(1, 0, np.array([7]), 3)[0]).all()), first.shape
        (True, (2, 3))
    """
    own = scramble(rows.astype(np.uint64) ^ np.uint64(mix(seed, epoch)))
    turns = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95)
    words = scramble(own[:, None] ^ turns)
    # The upper 53 bits, which is what a float64 holds.
    return (words >> np.uint64(11)).astype(np.float64) / (1 << 53)


def generator(seed: int, epoch: int, row: int) -> np.random.Generator:
    """A source of any number of random numbers for one row.

    Example:
        >>> int(generator(1, 0, 5).integers(9**9)) == int(generator(1, 0, 5).integers(9**9))
        True
    """
    return np.random.Generator(np.random.Philox(key=[mix(seed, epoch), row]))

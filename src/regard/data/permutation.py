"""A random permutation of any range in O(1) memory: a Feistel network that walks its cycles.

Black and Rogaway, *Ciphers with arbitrary finite domains*, CT-RSA 2002, §4: a permutation of 2^b ≥ n numbers
is applied again and again until it lands below n. That is a permutation of the n numbers.
"""

import numpy as np
import numpy.typing as npt

ROUNDS = 6
U64 = np.uint64
Whole = npt.NDArray[np.uint64]


def mix(*parts: int) -> int:
    """A 64-bit hash of whole numbers; the same on every machine.

    Example:
        >>> mix(1, 2) == mix(1, 2), mix(1, 2) == mix(2, 1)
        (True, False)
    """
    state = np.array([0x9E3779B97F4A7C15], dtype=U64)
    for part in parts:
        state = scramble(state ^ U64(part & 0xFFFFFFFFFFFFFFFF))
    return int(state[0])


def permute(index: npt.ArrayLike, size: npt.ArrayLike, key: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Where a permutation of 0 … size - 1, chosen by `key`, sends each index.

    Args:
        index: whole numbers, each in 0 … its size - 1; any shape.
        size: how many are permuted; one number or one for each index.
        key: which permutation; one number or one for each index.

    Example:
        >>> sorted(permute(np.arange(5), 5, 7).tolist())
        [0, 1, 2, 3, 4]
    """
    x, n, k = np.broadcast_arrays(np.asarray(index, U64), np.asarray(size, U64), np.asarray(key, U64))
    shape, x, n, k = x.shape, x.ravel().copy(), n.ravel(), k.ravel()
    if np.any(x >= n):
        raise ValueError("an index lies outside the range that is permuted")
    # ceil(log2(n)), at least 2: one bit for each half.
    bits = np.maximum(np.ceil(np.log2(np.maximum(n, U64(2)).astype(np.float64))).astype(U64), U64(2))
    walking = np.arange(len(x))
    while len(walking):
        x[walking] = _feistel(x[walking], bits[walking], k[walking])
        walking = walking[x[walking] >= n[walking]]
    return x.reshape(shape).astype(np.int64)


def _feistel(x: Whole, bits: Whole, key: Whole) -> Whole:
    """Permute 0 … 2^bits - 1, bits up to 62."""
    right_bits = bits // U64(2)
    left_bits = bits - right_bits
    left, right = x >> right_bits, x & _ones(right_bits)
    for turn in range(ROUNDS):
        salt = U64((turn * 0xD1342543DE82EF95) & 0xFFFFFFFFFFFFFFFF)
        noise = scramble(right ^ scramble(key ^ salt))
        left, right = right, left ^ (noise & _ones(left_bits))
        # The halves may be one bit apart in width: they trade widths as they trade places.
        left_bits, right_bits = right_bits, left_bits
    joined: Whole = (left << right_bits) | right
    return joined


def _ones(bits: Whole) -> Whole:
    return (U64(1) << bits) - U64(1)


def scramble(x: Whole) -> Whole:
    """Numbers that look random for numbers that do not: the finaliser of splitmix64 (Steele et al. 2014)."""
    x = x + U64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> U64(27))) * U64(0x94D049BB133111EB)
    mixed: Whole = x ^ (x >> U64(31))
    return mixed

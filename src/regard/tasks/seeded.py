"""Random numbers that follow from a seed, without a trace in those of others."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A block whose random numbers follow from `seed`; after it, torch's go on as if it had not been.

    Example:
        >>> with seeded(3):
        ...     first = torch.rand(2)
        >>> with seeded(3):
        ...     bool((torch.rand(2) == first).all())
        True
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield

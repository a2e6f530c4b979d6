"""The batch plan: which rows each rank reads at each step, as a pure function.

Rows are put in order of length once: by the longer side, and within it by the difference of the two sides,
up and down in turn so that neighbours are alike on both sides. Neighbouring lengths are joined to *groups* of
about one and a half batches. Batches are cut from this order once, so their number and sizes never change;
each epoch shuffles the batches, and shuffles the rows inside each group, so that batches mix. Both shuffles
are Feistel permutations: nothing of the corpus's length is held, and step 10,000 costs what step 1 does.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from regard.data.ordering import arrange, arrange_on_disk
from regard.data.permutation import mix, permute


class BatchPlan:
    """Batches of like lengths within a budget of tokens.

    Args:
        lengths: tokens of each row and side, [rows, sides] or [rows]; may be memory-mapped.
        tokens: bound on rows x longest side of a batch. A row longer than this makes a batch by itself.
        seed: of both shuffles.
        folder: where the order is kept, memory-mapped (made once, found again); None holds it in memory.
        specials: tokens that a batch adds to each side, such as </s>.

    Attributes:
        steps_per_epoch: number of batches; every row is in exactly one of them.

    Raises:
        ValueError: no rows.
        DataError: the folder cannot be written, or its disk is full.

    Example:
        >>> plan = BatchPlan(np.array([3, 9, 3, 3, 9]), tokens=12, seed=0)
        >>> plan.steps_per_epoch
        3
        >>> sorted(row for step in range(3) for row in plan.plan(0, step).tolist())
        [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        lengths: npt.NDArray[np.integer[Any]],
        tokens: int,
        seed: int,
        folder: Path | None = None,
        specials: int = 1,
    ) -> None:
        if not len(lengths):
            raise ValueError("a batch plan needs at least one row")
        self.tokens, self.seed = tokens, seed
        table = lengths.reshape(len(lengths), -1)
        found = (
            arrange(table, tokens, specials)
            if folder is None
            else arrange_on_disk(table, tokens, specials, folder)
        )
        self._order, self._groups, self._batches = found
        self.steps_per_epoch = len(self._batches) - 1

    def plan(self, epoch: int, step: int, rank: int = 0, world: int = 1) -> npt.NDArray[np.int64]:
        """Rows of one rank of a batch, [rows]; empty where the batch has fewer rows than ranks.

        The batch does not depend on `world`: rank r of w has its rows r, r + w, r + 2w, …

        Raises:
            ValueError: step or rank out of range.
        """
        check_step(step, self.steps_per_epoch, rank, world)
        batch = int(permute(step, self.steps_per_epoch, mix(self.seed, epoch, 0)))
        first, last = int(self._batches[batch]), int(self._batches[batch + 1])
        place = np.arange(first + rank, last, world)
        group = np.searchsorted(self._groups, place, side="right") - 1
        start, size = self._groups[group], self._groups[group + 1] - self._groups[group]
        shuffled = start + permute(
            place - start, size, np.uint64(mix(self.seed, epoch, 1)) ^ group.astype(np.uint64)
        )
        return np.asarray(self._order[shuffled], dtype=np.int64)


def check_step(step: int, steps: int, rank: int, world: int) -> None:
    """That an epoch of so many steps has this one, and a world of so many ranks this one.

    Raises:
        ValueError: it has not.
    """
    if not 0 <= step < steps:
        raise ValueError(f"step {step} of an epoch of {steps}")
    if not 0 <= rank < world:
        raise ValueError(f"rank {rank} of {world}")

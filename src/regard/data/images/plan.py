"""The batch plan of pictures of one size: a permutation of all rows, cut into equal batches."""

import numpy as np
import numpy.typing as npt

from regard.data.permutation import mix, permute
from regard.data.plan import check_step


class PicturePlan:
    """Batches of equally many rows; the last of an epoch may have fewer.

    Args:
        rows: how many there are.
        batch: rows of a batch.
        seed: of the shuffle.

    Attributes:
        steps_per_epoch: number of batches; every row is in exactly one of them.

    Raises:
        ValueError: no rows, or no rows in a batch.

    Example:
        >>> plan = PicturePlan(5, batch=2, seed=0)
        >>> sorted(row for step in range(3) for row in plan.plan(0, step).tolist())
        [0, 1, 2, 3, 4]
    """

    def __init__(self, rows: int, batch: int, seed: int) -> None:
        if rows < 1 or batch < 1:
            raise ValueError(f"a plan of {rows} rows in batches of {batch}; both must be at least 1")
        self.rows, self.size, self.seed = rows, batch, seed
        self.steps_per_epoch = -(-rows // batch)

    def plan(self, epoch: int, step: int, rank: int = 0, world: int = 1) -> npt.NDArray[np.int64]:
        """Rows of one rank of a batch, [rows]; empty where the batch has fewer rows than ranks.

        The batch does not depend on `world`: rank r of w has its rows r, r + w, r + 2w, …

        Raises:
            ValueError: step or rank out of range.
        """
        check_step(step, self.steps_per_epoch, rank, world)
        first = step * self.size
        place = np.arange(first + rank, min(first + self.size, self.rows), world)
        return permute(place, self.rows, mix(self.seed, epoch))

"""Learning rate as a pure function of the update."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["inverse-square-root", "cosine", "constant"]


def learning_rate(update: int, *, peak: float, schedule: Schedule, warmup: int, total: int) -> float:
    """Rate of update number `update`, the first being 1.

    It rises linearly for `warmup` updates; then it falls with 1/√update (Vaswani et al. 2017, §5.3), falls
    to nothing along half a cosine (Loshchilov & Hutter 2017, §3), or stays.

    Raises:
        ValueError: an update before the first.

    Example:
        >>> dials = {"peak": 1.0, "schedule": "inverse-square-root", "warmup": 4, "total": 99}
        >>> [learning_rate(update, **dials) for update in (1, 4, 16)]
        [0.25, 1.0, 0.5]
        >>> learning_rate(100, peak=1.0, schedule="cosine", warmup=0, total=100)
        0.0
    """
    if update < 1:
        raise ValueError(f"update {update}: the first is 1")
    if update < warmup:
        return peak * update / warmup
    if schedule == "inverse-square-root":
        return peak * math.sqrt(max(warmup, 1) / update)
    if schedule == "cosine":
        share = min(1.0, (update - warmup) / max(1, total - warmup))
        return peak * 0.5 * (1 + math.cos(math.pi * share))
    return peak

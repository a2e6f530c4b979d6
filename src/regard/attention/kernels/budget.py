"""How much to hold at once where work goes block by block."""

from __future__ import annotations

import torch

OFF_CPU = 1 << 26
"""Elements. A device other than a CPU is idle while small blocks are started one by one."""


def budget(device: torch.device, on_cpu: int) -> int:
    """Elements of a block: on a CPU what its cache holds, elsewhere a quarter of a gigabyte in float32.

    Example:
        >>> budget(torch.device("cpu"), 1 << 18)
        262144
    """
    return on_cpu if device.type == "cpu" else OFF_CPU

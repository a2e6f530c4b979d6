"""In which dtype a layer's products run right now."""

from __future__ import annotations

import torch
from torch import Tensor

from regard.attention.autocast import autocast_dtype


def working_dtype(weight: Tensor) -> torch.dtype:
    """The autocast dtype of the weight's device while autocast is on, the weight's own dtype otherwise.

    Example:
        >>> working_dtype(torch.zeros(1, dtype=torch.float64))
        torch.float64
        >>> with torch.autocast("cpu", dtype=torch.bfloat16):
        ...     working_dtype(torch.zeros(1))
        torch.bfloat16
    """
    dtype = autocast_dtype(weight.device)
    return dtype if dtype is not None and weight.dtype == torch.float32 else weight.dtype

"""Query and key vectors in 8 bits."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

_LEVELS = 127


def in_levels(vectors: Tensor, name: str) -> dict[str, NDArray[Any]]:
    """Each vector as whole numbers from -127 to 127 and the value of one step.

    Args:
        vectors: [heads, positions, dim].
        name: of the two arrays, ``name`` and ``name_step``.

    Example:
        >>> arrays = in_levels(torch.tensor([[[1.27, -0.5]]]), "query")
        >>> arrays["query"].tolist(), arrays["query_step"].round(4).tolist()
        ([[[127, -50]]], [[0.009999999776482582]])
    """
    values = vectors.detach().float().cpu()
    step = values.abs().amax(-1) / _LEVELS
    levels = (values / step.clamp_min(torch.finfo(step.dtype).tiny)[..., None]).round()
    return {name: levels.to(torch.int8).numpy(), f"{name}_step": step.numpy().astype("<f4")}

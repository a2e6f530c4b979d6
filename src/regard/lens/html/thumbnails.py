"""Heads as pictures of a thumb's size, for the overview."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from regard.lens.map import AttentionMap
from regard.lens.on_pictures import looked_at
from regard.lens.patch_grid import PatchGrid

_SIDE = 48


def thumbnails(seen: AttentionMap) -> NDArray[np.uint8]:
    """Each head, no larger than 48 × 48, as parts of its own largest weight.

    A cell shows the largest weight that falls into it: a thin diagonal stays bright. Over a picture, a
    thumbnail is what the class token (else: all patches, on average) looks at, as it lies in the picture.

    Returns:
        [heads, rows, columns], from 0 to 255.

    Example:
        >>> from regard.lens import Tokens
        >>> axis = Tokens.of(map(str, range(96)))
        >>> small = thumbnails(AttentionMap("encoder.0.self", torch.eye(96)[None], axis, axis))
        >>> small.shape, int(small[0].diagonal().min()), int(small[0].sum()) == 48 * 255
        ((1, 48, 48), 255, True)
    """
    if isinstance(seen.key_axis, PatchGrid):
        weights = torch.stack([looked_at(seen.head(head)) for head in range(seen.heads)])
    else:
        weights = seen.weights
    size = [min(length, _SIDE) for length in weights.shape[1:]]
    small: Tensor = F.adaptive_max_pool2d(weights, size)
    part = small / small.amax((1, 2), keepdim=True).clamp_min(torch.finfo(small.dtype).tiny)
    pixels: NDArray[np.uint8] = (255 * part).round().to(torch.uint8).numpy()
    return pixels

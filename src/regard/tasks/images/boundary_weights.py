"""Weights of pixels that teach a network to keep touching objects apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.errors import from_extra

# A pixel further from an object than where its weight would be below this need not be looked at.
_NEGLIGIBLE = 1e-6


def boundary_weights(
    instances: NDArray[np.integer[Any]], w0: float = 10.0, sigma: float = 5.0
) -> NDArray[np.float64]:
    """1 + w₀·exp(−(d₁ + d₂)² / 2σ²) at background pixels (Ronneberger et al. 2015, eq. 2), 1 at objects.

    d₁ and d₂ are the distances to the nearest and the second nearest object. The paper's class weights w_c
    are not in it: they multiply the loss by class (`SegmentationLossConfig.class_weights`).

    Each object is looked at within the reach of its weights alone, so hundreds of nuclei cost about what
    their area does, not hundreds of distance maps of the whole image.

    Args:
        instances: [rows, columns], an object's number at each of its pixels, 0 at the background.
        w0: the largest weight that is added, at a background of no width between two objects.
        sigma: how far it reaches, in pixels.

    Returns:
        [rows, columns].

    Raises:
        UserError: scipy is not installed.

    Example:
        >>> weights = boundary_weights(np.array([[1, 0, 2, 0, 0]]))
        >>> weights.round(2).tolist()  # between the two: 1 + 10·exp(-2²/50); beside them: d = 1 and 3
        [[1.0, 10.23, 1.0, 8.26, 5.87]]
    """
    ndimage = from_extra("scipy.ndimage", "images")
    if w0 <= 0:
        return np.ones(instances.shape)
    reach = math.ceil(sigma * math.sqrt(2 * math.log(max(w0 / _NEGLIGIBLE, math.e))))
    nearest, second = np.full((2, *instances.shape), np.inf)
    for number, box in enumerate(ndimage.find_objects(instances), start=1):
        if box is None:
            continue
        around = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in box)
        distance = ndimage.distance_transform_edt(instances[around] != number)
        first, other = nearest[around], second[around]
        np.minimum(other, np.maximum(first, distance), out=other)
        np.minimum(first, distance, out=first)
    weights = 1 + w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2))
    return np.where(instances > 0, 1.0, weights)

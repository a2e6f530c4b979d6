"""Objects from a probability map: one number for each nucleus, cell or grain."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from regard.tasks.images.components import components
from regard.tasks.images.watershed import cut_where_narrow


class InstanceConfig(BaseModel):
    """How objects are told apart.

    Attributes:
        separate: `"components"`: what touches is one object. `"watershed"`: touching objects are cut where
            they are narrow, by a watershed of the distance to their outside.
        threshold: a pixel belongs to an object where its probability is above this.
        narrow: for the watershed: two parts are two objects where what joins them is narrower than the lesser
            one by this share of its width; smaller cuts more.
        smallest: objects with fewer pixels are left out.

    Example:
        >>> InstanceConfig(threshold=1.0)
        Traceback (most recent call last):
        ...
        pydantic_core._pydantic_core.ValidationError: 1 validation error for InstanceConfig
        threshold
          Input should be less than 1 ...
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    separate: Literal["components", "watershed"] = "components"
    threshold: float = Field(default=0.5, ge=0.0, lt=1.0)
    narrow: float = Field(default=0.1, gt=0.0, lt=1.0)
    smallest: int = Field(default=1, ge=1)


_DEFAULT = InstanceConfig()


def instances(probability: NDArray[np.floating[Any]], config: InstanceConfig = _DEFAULT) -> NDArray[np.int32]:
    """Number the objects of a probability map.

    Args:
        probability: [rows, columns], of the object's class, in [0, 1].
        config: how objects are told apart.

    Returns:
        [rows, columns]: 0 outside, objects numbered from 1 without gaps.

    Example:
        >>> instances(np.array([[0.9, 0.1, 0.8], [0.7, 0.2, 0.6]])).tolist()
        [[1, 0, 2], [1, 0, 2]]
    """
    labels = components(np.asarray(probability) > config.threshold)
    if config.separate == "watershed":
        labels = cut_where_narrow(labels, config.narrow)
    return _without_small(labels, config.smallest)


def _without_small(labels: NDArray[np.int32], smallest: int) -> NDArray[np.int32]:
    """Numbered anew, without objects of fewer than `smallest` pixels."""
    sizes = np.bincount(labels.ravel())
    keep = sizes >= smallest
    keep[0] = False
    number = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    kept: NDArray[np.int32] = number[labels]
    return kept

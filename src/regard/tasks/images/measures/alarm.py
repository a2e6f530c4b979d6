"""The threshold above which an anomaly score raises the alarm."""

from __future__ import annotations

import math

from torch import Tensor

from regard.errors import UserError


def alarm_threshold(good_scores: Tensor, false_alarm_rate: float) -> float:
    """The lowest threshold that good images exceed at most at a rate, whatever their scores' distribution.

    With n good images kept apart, the ⌈(n+1)(1-rate)⌉-th smallest of their scores: a new good image from
    the same source exceeds it with a probability of at most `rate` (split conformal prediction; Vovk et
    al. 2005; Angelopoulos and Bates 2021, §1). The empirical quantile alone would raise more alarms than
    promised when images are few.

    Args:
        good_scores: [images], of good images that the model was not trained on.
        false_alarm_rate: in (0, 1).

    Returns:
        Images with scores *above* it raise the alarm.

    Raises:
        ValueError: a rate outside (0, 1), or a score is NaN.
        UserError: too few images for the rate.

    Example:
        >>> import torch
        >>> round(alarm_threshold(torch.arange(1, 100) / 100, 0.05), 2)  # the 95th of 99
        0.95
        >>> alarm_threshold(torch.arange(20.0), 0.01)
        Traceback (most recent call last):
        ...
        regard.errors.UserError: a false-alarm rate of 0.01 takes at least 99 good images to set; found 20...
    """
    if not 0.0 < false_alarm_rate < 1.0:
        raise ValueError(f"a false-alarm rate is in (0, 1), not {false_alarm_rate}")
    if good_scores.isnan().any():
        raise ValueError("a score is NaN")
    count = good_scores.numel()
    # Rounding of the product must not push a whole number over to the next.
    place = math.ceil(round((count + 1) * (1 - false_alarm_rate), 9))
    if place > count:
        needed = math.ceil(round(1 / false_alarm_rate, 9)) - 1
        raise UserError(
            f"a false-alarm rate of {false_alarm_rate:g} takes at least {needed} good images to set; found "
            f"{count}: name a rate of {math.ceil(1e4 / (count + 1)) / 1e4:g} or more, or add images"
        )
    return float(good_scores.flatten().kthvalue(place).values)

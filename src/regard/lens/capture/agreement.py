"""Whether what was found agrees with what the model computed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""The largest error that arithmetic may account for, by the type that the model computed in.

float32 leaves room for products in TF32 or bfloat16, which torch may be told to use. Half types round each
weight and each product on their way.
"""


class DisagreementError(RuntimeError):
    """Weights × values are not what the model computed: the weights are not shown.

    Example:
        >>> raise DisagreementError("encoder.0: an error of 0.3")
        Traceback (most recent call last):
        ...
        regard.lens.capture.agreement.DisagreementError: encoder.0: an error of 0.3
    """


class Agreement:
    """Compares rows as they come, and tells the error of them all.

    The error is the largest difference of a head (of a layer, where only its output is known) in relation to
    the largest number that the model gave there; then the largest over heads and over the batch.

    Example:
        >>> agreement = Agreement()
        >>> theirs = torch.tensor([[[[1.0, 2.0]]]])
        >>> agreement.add([0], theirs * 1.01, theirs, None)
        >>> round(agreement.error, 4)
        0.01
    """

    def __init__(self) -> None:
        self._difference: dict[tuple[int, ...], Tensor] = {}
        self._largest: dict[tuple[int, ...], Tensor] = {}

    def add(self, heads: Sequence[int], ours: Tensor, theirs: Tensor, ignored: Tensor | None) -> None:
        """Compares some rows.

        Args:
            heads: which they are of.
            ours: [batch, heads, rows, size].
            theirs: the same, from the model.
            ignored: [batch, heads or 1, rows], rows of which there is nothing to compare.
        """
        theirs = theirs.to(ours.dtype)
        # Where the input was no number, neither is the output, here as there.
        difference = torch.where(ours.isnan() & theirs.isnan(), 0.0, (ours - theirs).abs())
        if ignored is not None:
            difference = difference.masked_fill(ignored[..., None], 0.0)
            theirs = theirs.masked_fill(ignored[..., None], 0.0)
        for kept, new in ((self._difference, difference), (self._largest, theirs.abs().nan_to_num(0.0))):
            most = new.amax((2, 3)) if new.numel() else new.new_zeros(new.shape[:2])
            before = kept.get(tuple(heads))
            kept[tuple(heads)] = most if before is None else torch.maximum(before, most)

    @property
    def error(self) -> float:
        """The error so far; infinite where one side is no number and the other is."""
        error = 0.0
        for heads, difference in self._difference.items():
            largest = self._largest[heads]
            relative = difference / largest.clamp_min(torch.finfo(largest.dtype).tiny)
            error = max(error, float(relative.nan_to_num(torch.inf).max()))
        return error


def refuse_disagreement(name: str, error: float, precision: torch.dtype) -> None:
    """Raises where an error is larger than arithmetic can account for.

    Raises:
        DisagreementError: saying where, and how much.
    """
    tolerance = TOLERANCES.get(precision, TOLERANCES[torch.bfloat16])
    if error > tolerance:
        raise DisagreementError(
            f"{name}: weights × values differ from the model's own output by {error:.2g} of its largest "
            f"number; in {str(precision).removeprefix('torch.')} up to {tolerance:g} is rounding. These are "
            "not the weights that the model used, so they are refused; leave this place out with at=…, and "
            "please report the model"
        )

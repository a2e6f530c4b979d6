"""Outputs that do not depend on the batch.

The same sentence in another batch gets logits that differ in the last bits: matrix products are cut up by
the number of rows, sums by the length that others pad to. Where two candidates are nearly equal, such a bit
decides, and from there on another translation unfolds. No rounding cures this, as every rounding has borders.

But a near-tie is *seen* when it is met. So every decision of a search reports whether its margin was below a
bound well above the bits' noise; a sentence with such a contested decision is decoded again **alone**, at
its own length, and that result stands. A sentence without one would have decided the same alone. Either way
the tokens are those of the sentence alone, in whatever batch it came. For float32 about one sentence in a
few hundred pays the second run. Scores keep the noise of the batch that they were computed in, about 4e-7.

What a model itself decides (the key of a hard attention, the window of local-p) reports no margin: there a
near-tie that the batch breaks otherwise is possible, though none was met in 1,500 sentences of each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from regard.decoding.hypothesis import Hypothesis

_MARGIN = {torch.float32: 1e-4, torch.float64: 1e-10}
_STEADY = 32  # tokens over which the noise of a sum of log-probabilities is taken not to grow


@dataclass
class Found:
    """What a search found: each sentence's hypotheses, and whether a near-tie decided [sentences]."""

    hypotheses: list[list[Hypothesis]]
    contested: NDArray[np.bool_]


def margin(dtype: torch.dtype, *, tokens: int = 0, wanted: bool = True) -> float:
    """Below this difference of log-probabilities a decision is contested; 0 where that cannot be promised.

    Half precision has noise as large as the differences between candidates: there nothing is contested.

    Args:
        dtype: of the logits.
        tokens: over how many the log-probabilities were summed.
        wanted: whether it shall be promised.

    Example:
        >>> margin(torch.float32), margin(torch.bfloat16)
        (0.0001, 0.0)
    """
    return _MARGIN.get(dtype, 0.0) * (1 + tokens / _STEADY) if wanted else 0.0


def decode_alike(decode: Callable[[Sequence[int]], Found], sentences: int) -> list[list[Hypothesis]]:
    """Decode sentences together, with the tokens that each would have alone.

    Args:
        decode: decodes the sentences of the given numbers as one batch, padded no further than they need.
        sentences: how many there are.

    Returns:
        The hypotheses of each sentence.

    Example:
        >>> def decode(numbers):  # sentence 1 is a near-tie, which a batch decides otherwise
        ...     found = [[Hypothesis([n + len(numbers) * (n == 1)], 0.0, 0.0)] for n in numbers]
        ...     return Found(found, np.array([n == 1 for n in numbers]))
        >>> [best[0].tokens for best in decode_alike(decode, 3)]
        [[0], [2], [2]]
    """
    if not sentences:
        return []
    found = decode(range(sentences))
    if sentences > 1:
        for number in np.flatnonzero(found.contested):
            found.hypotheses[number] = decode([int(number)]).hypotheses[0]
    return found.hypotheses

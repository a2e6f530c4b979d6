"""Capture: what any PyTorch model attends to while it runs as it always runs.

Fused kernels give no weights. So every call of attention that is looked at is computed a second time beside
the model, only for the rows that are wanted, in blocks, from the query and the key that it was given; and
what is found is checked against the model's own output.
"""

from regard.lens.capture.agreement import DisagreementError
from regard.lens.capture.gradient import NoGradientError
from regard.lens.capture.looking import look
from regard.lens.capture.record import LayerAttention
from regard.lens.capture.seen import Seen
from regard.lens.capture.summary import Summary
from regard.lens.capture.unseen import NothingSeenError

__all__ = [
    "DisagreementError",
    "LayerAttention",
    "NoGradientError",
    "NothingSeenError",
    "Seen",
    "Summary",
    "look",
]

"""What is timed of a network for pictures: one update in training, or one batch looked at.

Every contestant is run as a user with this machine would: bf16 by autocast in training, by weights and
pictures of that type in inference; AdamW (fused).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.translators import autocast

Round = Callable[[], object]
MODES = ("inference", "training")


def steps(network: nn.Module, images: Tensor, labels: Tensor, precision: str, mode: str) -> Round:
    """A round of a network.

    Args:
        network: from images [batch, channels, height, width] to logits [batch, classes, ...].
        images: one batch.
        labels: [batch, ...], their classes.
        precision: of `machine.PRECISIONS`.
        mode: of MODES.
    """
    if mode == "training":
        return _update(network.train(), images, labels, precision)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    network, images = network.eval().to(dtype), images.to(dtype)

    def look() -> Tensor:
        with torch.inference_mode():
            return network(images)

    return look


def _update(network: nn.Module, images: Tensor, labels: Tensor, precision: str) -> Round:
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)

    def update() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast(precision):
            loss = F.cross_entropy(network(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    return update


def size_of(network: nn.Module, image: Tensor) -> tuple[float, float]:
    """Million parameters, and 10⁹ floating-point operations of products and convolutions for one image."""
    from torch.utils.flop_counter import FlopCounterMode

    # Without oneDNN every product is one of torch's own operators, which are those that are counted.
    with torch.backends.mkldnn.flags(enabled=False), torch.no_grad(), FlopCounterMode(display=False) as count:
        network.eval()(image)
    return sum(weight.numel() for weight in network.parameters()) / 1e6, count.get_total_flops() / 1e9

"""Confidence that can be believed: one number that all logits are divided by (Guo et al. 2017, §4.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.data.images.batches import plain_batch
from regard.data.images.store import PictureStore
from regard.models.images.resnet import ResNet
from regard.models.images.vit import VisionTransformer
from regard.tasks.images.task import rows_of

# Of the logarithm of a temperature: no network is off by more than a thousand times.
_REACH = math.log(1000.0)


def best_temperature(logits: Tensor, targets: Tensor) -> float:
    """The temperature whose divided logits give the targets the highest likelihood.

    One mistake more than there were is reckoned with, spread over all rows (Platt 1999, §2.2): where there
    was none, the more rows there were, the surer the answer, but never certain. The loss is convex in 1 / T,
    so that halving an interval by the sign of its slope finds the least.

    Args:
        logits: [rows, classes], two classes or more.
        targets: [rows], int64.

    Example:
        >>> logits = torch.tensor([[4.0, 0.0]]).expand(4000, 2)  # says 98 %, is right in three of four
        >>> targets = torch.tensor([0, 0, 0, 1]).repeat(1000)
        >>> round(4 / best_temperature(logits, targets), 2)  # log of 3 to 1
        1.1
    """
    logits = logits.double()
    rows, classes = logits.shape
    mistake = classes / (classes - 1) / (rows + 2)
    low, high = -_REACH, _REACH  # of log(1 / T)
    for _ in range(50):
        middle = (low + high) / 2
        inverse = torch.tensor(math.exp(middle), dtype=torch.float64, requires_grad=True)
        loss = F.cross_entropy(logits * inverse, targets, label_smoothing=mistake)
        (slope,) = torch.autograd.grad(loss, inverse)
        low, high = (middle, high) if slope < 0 else (low, middle)
    return math.exp(-(low + high) / 2)


@torch.no_grad()
def calibrate(model: nn.Module, store: PictureStore) -> float:
    """Divides a classifier's logits by the best temperature, in its last layer: no class changes.

    Args:
        model: in eval mode; its last layer's weights change.
        store: pictures with labels that it was not trained on.

    Returns:
        The temperature.
    """
    assert isinstance(model, VisionTransformer | ResNet)
    device = next(model.parameters()).device
    logits, targets = [], []
    for rows in rows_of(store):
        batch = plain_batch(store, rows).to(device)
        assert batch.targets is not None
        logits.append(model(batch.images).float())
        targets.append(batch.targets)
    with torch.enable_grad():
        temperature = best_temperature(torch.cat(logits), torch.cat(targets))
    for parameter in model.output.parameters():
        parameter.div_(temperature)
    return temperature

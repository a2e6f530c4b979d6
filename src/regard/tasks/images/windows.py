"""A network on an image of any size: whole where it fits, else window by window."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

# An image of no more pixels than this is taken whole: a U-Net then needs some hundred megabytes.
WHOLE = 1 << 20


def in_windows(
    network: Callable[[Tensor], Tensor],
    image: Tensor,
    *,
    window: int = 512,
    overlap: int = 64,
    whole: int = WHOLE,
) -> Tensor:
    """What a network makes of an image, in memory of the image and one window.

    Neighbouring windows overlap, and where they do, each counts the less the nearer its own border is: there
    a network sees least of what lies around.

    Args:
        network: from [1, channels, rows, columns] to [1, outputs, rows, columns].
        image: [channels, rows, columns].
        window: side of a window, in pixels.
        overlap: pixels that neighbouring windows share, at least.
        whole: an image of so many pixels or fewer is taken whole.

    Returns:
        [outputs, rows, columns], float32, on the image's device.

    Raises:
        ValueError: windows that overlap by half or more.

    Example:
        >>> image = torch.rand(3, 40, 50)
        >>> torch.allclose(in_windows(lambda x: 2 * x, image, window=16, overlap=4, whole=0), 2 * image)
        True
    """
    if not 0 <= 2 * overlap < window:
        raise ValueError(f"windows of {window} pixels cannot overlap by {overlap}: by less than half")
    rows, columns = image.shape[-2:]
    if rows * columns <= whole or (rows <= window and columns <= window):
        return network(image[None])[0].float()
    total: Tensor | None = None
    shares = image.new_zeros(rows, columns, dtype=torch.float32)
    high, wide = min(window, rows), min(window, columns)
    weight = _falling(high, overlap)[:, None] * _falling(wide, overlap)
    weight = weight.to(image.device)
    for top, left in itertools.product(_starts(rows, high, overlap), _starts(columns, wide, overlap)):
        place = (..., slice(top, top + high), slice(left, left + wide))
        made = network(image[place][None])[0].float()
        if total is None:
            total = made.new_zeros(made.shape[0], rows, columns)
        total[place] += made * weight
        shares[place] += weight
    assert total is not None
    return total.div_(shares)


def _starts(length: int, window: int, overlap: int) -> Iterator[int]:
    """Where windows begin, the last one at the end: as few as overlap enough, evenly spread."""
    if window >= length:
        yield 0
        return
    steps = -(-(length - window) // (window - overlap))
    yield from (round(step * (length - window) / steps) for step in range(steps + 1))


def _falling(length: int, overlap: int) -> Tensor:
    """[length], 1 inside and falling to the borders over the overlap, never to zero."""
    away = torch.arange(length, dtype=torch.float32).add(1)
    return torch.minimum(torch.minimum(away, away.flip(0)) / (overlap + 1), torch.ones(()))

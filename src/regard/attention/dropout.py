"""Dropout from random bytes: each 64-bit random word decides eight elements.

The random numbers are what dropout costs on a CPU; a byte an element needs an eighth of the words. The
probability moves in steps of 1/256, and the scale is that of the probability actually used, so the
expected output is exactly the input.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

_LEVELS = 256


def dropout(x: Tensor, probability: float, training: bool = True) -> Tensor:
    """Zero each element with `probability`, scale the others so that the mean stays (Srivastava et al. 2014).

    Args:
        x: any shape, any floating dtype.
        probability: in [0, 1]; on a CPU rounded to the nearest of 0/256, 1/256, …, 255/256 (1 stays 1).
        training: `False` returns `x` itself.

    Raises:
        ValueError: the probability is outside [0, 1].

    Example:
        >>> dropout(torch.ones(4), 0.5, training=False)
        tensor([1., 1., 1., 1.])
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"dropout probability is {probability}, not in [0, 1]")
    if not training or probability == 0.0:
        return x
    if x.device.type != "cpu" or probability == 1.0:
        return F.dropout(x, probability)
    dropped = dropped_levels(probability)
    if dropped == 0:
        return x
    return _ByteDropout.apply(x, dropped)  # type: ignore[no-any-return, no-untyped-call]


def dropped_levels(probability: float) -> int:
    """How many of the 256 values of a byte mean "drop": the nearest to `probability`, never all of them.

    Example:
        >>> dropped_levels(0.5)
        128
    """
    return min(round(probability * _LEVELS), _LEVELS - 1)


def drop_scale(dropped: int) -> float:
    """What to multiply the elements that stay by.

    Example:
        >>> drop_scale(128)
        2.0
    """
    return _LEVELS / (_LEVELS - dropped)


def kept(x: Tensor, keep: Tensor) -> Tensor:
    """x · keep, a new tensor. Converted first: a product of bytes and floats is ten times slower on a CPU.

    Example:
        >>> kept(torch.ones(2), torch.tensor([0, 1], dtype=torch.uint8))
        tensor([0., 1.])
    """
    return keep.to(x.dtype).mul_(x)


def keep_mask(
    shape: torch.Size,
    dropped: int,
    device: torch.device | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """uint8 of `shape`: 0 with probability dropped/256, else 1.

    Example:
        >>> keep_mask(torch.Size([3]), 0)
        tensor([1, 1, 1], dtype=torch.uint8)
    """
    count = shape.numel()
    words = torch.empty((count + 7) // 8, dtype=torch.int64, device=device)
    # Without bounds the sign bit, and so every eighth byte, would not be random.
    words.random_(-(2**63), None, generator=generator)
    # Compared in place: a uint8 result is many times faster than a bool one.
    return words.view(torch.uint8)[:count].view(shape).ge_(dropped)


class _ByteDropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, dropped: int) -> Tensor:
        keep = keep_mask(x.shape, dropped, x.device)
        ctx.save_for_backward(keep)
        ctx.scale = drop_scale(dropped)
        return kept(x, keep).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (keep,) = ctx.saved_tensors
        return kept(gradients[0], keep).mul_(ctx.scale), None

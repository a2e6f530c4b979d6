"""Which dtype the matrix products of training run in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Precision = Literal["fp32", "bf16"]


def choose_precision(wanted: Literal["auto", "fp32", "bf16"], device: torch.device) -> Precision:
    """The precision asked for; "auto" is bf16 where the device multiplies it in hardware.

    A fact of the machine, not a measurement: the same machine always answers the same.

    Example:
        >>> choose_precision("fp32", torch.device("cpu"))
        'fp32'
    """
    if wanted != "auto":
        return wanted
    return "bf16" if multiplies_bf16(device) else "fp32"


def multiplies_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for products of bfloat16, which is slow where it has none.

    Example:
        >>> multiplies_bf16(torch.device("meta"))
        False
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        names = "_is_amx_tile_supported", "_is_avx512_bf16_supported"
        checks = [getattr(torch.cpu, name, None) for name in names]
        return any(check is not None and check() for check in checks)
    return False


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Context in which the products run in that precision."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()

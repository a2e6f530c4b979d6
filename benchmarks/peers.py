"""A peer that stands apart from what else is installed."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import torch

APART = Path(sys.prefix) / "timm"
"""Where make installs timm and torchvision."""


def import_timm() -> ModuleType:
    """timm, also beside a torchvision that was compiled for a torch of another device.

    timm imports torchvision for its pictures' transforms. The torchvision of PyPI is compiled for CUDA:
    beside a torch for the CPU its import ends at the first operator of its own that is missing, though
    timm's networks use none of them. The two that it asks for are declared here. Other libraries import a
    torchvision that they find, so it lies in a folder that only this process looks into.

    Raises:
        ImportError: if timm is not installed.
    """
    if APART.is_dir() and str(APART) not in sys.path:
        sys.path.append(str(APART))
    try:
        import_module("torchvision")
    except RuntimeError:  # operator torchvision::nms does not exist
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor boxes, Tensor scores, float iou) -> Tensor")
    return import_module("timm")

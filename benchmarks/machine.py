"""What a figure was measured on: written above every table."""

import os
import platform
from pathlib import Path

import torch

from regard.training.precision import multiplies_bf16

# As a user of this machine would: where bfloat16 is emulated, thirty times more slowly, nobody wants it.
PRECISIONS = ("fp32", "bf16") if multiplies_bf16(torch.device("cpu")) else ("fp32",)


def describe() -> str:
    """One line: processor, cores, threads, instruction sets that matter, torch."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")]
    flags = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f" {flag}" in info]
    return (
        f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads, {' '.join(flags)}, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )

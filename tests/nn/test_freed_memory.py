"""Freed memory stays in the process until it is given back."""

import subprocess
import sys

import pytest

PROCESS = """
from pathlib import Path
import torch
from regard.nn.freed_memory import give_back_freed_memory, keep_freed_memory

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

assert keep_freed_memory()
before = megabytes()
tensors = [torch.ones(1 << 18) for _ in range(200)]
del tensors
kept = megabytes()
assert give_back_freed_memory()
print(kept - before, megabytes() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_kept_then_given_back():
    kept, left = map(int, subprocess.check_output([sys.executable, "-c", PROCESS], text=True).split())
    assert kept > 150
    assert left < 50

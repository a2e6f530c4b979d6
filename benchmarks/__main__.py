"""Every benchmark, one after the other: `make bench`, or `python -m benchmarks`."""

import subprocess
import sys

PARTS = ("training", "decoding", "attention", "vision_transformers", "unets", "large_picture", "lens", "html")


def main() -> int:
    """Each in a process of its own; the status is that of the first that failed."""
    for part in PARTS:
        status = subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A picture of 4096 × 4096 segmented window by window: time and peak memory, against MONAI's sliding window.

    python -m benchmarks.large_picture [--rounds 3]

Both run one network, the model `nuclei` that ships, on 81 windows of 512², from a PNG file to a PNG file.
"""

import argparse
import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

import regard
from benchmarks import machine
from benchmarks.timing import Entry, Round, in_turn, paired_ratio

SIDE, WINDOW, OVERLAP = 4096, 512, 64


def discs(side: int) -> np.ndarray:
    """Bright discs on a dark, noisy ground, [side, side, 3], uint8."""
    draw = np.random.default_rng(0)
    inside = np.zeros((side, side), dtype=bool)
    for _ in range(side * side // 2500):
        row, column = draw.integers(0, side, 2)
        radius = int(draw.integers(6, 14))
        rows = np.arange(max(0, row - radius), min(side, row + radius + 1))
        columns = np.arange(max(0, column - radius), min(side, column + radius + 1))
        within = (rows[:, None] - row) ** 2 + (columns - column) ** 2 <= radius**2
        inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] |= within
    grey = draw.integers(0, 60, (side, side), dtype=np.uint8) + inside.astype(np.uint8) * 120
    return np.repeat(grey[..., None], 3, axis=2)


def monai(picture: str, out: str) -> Round:
    from monai.inferers import SlidingWindowInferer

    model = regard.load("nuclei").model
    inferer = SlidingWindowInferer(WINDOW, sw_batch_size=1, overlap=OVERLAP / WINDOW, mode="gaussian")

    def run() -> None:
        with torch.inference_mode():
            image = torch.from_numpy(np.array(Image.open(picture))).permute(2, 0, 1)[None] / 255
            mask = inferer(image, model)[0].softmax(0).argmax(0)
        Image.fromarray((mask.numpy() * 255).astype(np.uint8)).save(Path(out) / "monai.png")

    return run


def mask_alone(picture: str, out: str) -> Round:
    """To the mask, as MONAI; objects are not asked for."""
    from regard.data.images.writing import write_picture

    segmenter = regard.load("nuclei")

    def run() -> None:
        write_picture(Path(out) / "regard.png", segmenter(picture).mask.astype(np.uint8), overwrite=True)

    return run


def command(picture: str, out: str) -> Round:
    """All of `regard segment`: loading the model and counting objects too."""
    from regard.cli.segment import segment

    def run() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            segment("nuclei", [Path(picture)], out=Path(out) / "masks", force=True)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    console = Console()
    console.print(machine.describe())
    table = Table("contestant", "s", "Regard's mask is × faster", "peak MB of the process")
    with tempfile.TemporaryDirectory() as out:
        picture = str(Path(out) / "large.png")
        Image.fromarray(discs(SIDE)).save(picture)
        contestants = {"MONAI SlidingWindowInferer": monai, "Regard": mask_alone, "regard segment": command}
        entries = {name: Entry(prepare, (picture, out)) for name, prepare in contestants.items()}
        timings = in_turn(entries, rounds, warmup=0)
    for name, timing in timings.items():
        table.add_row(
            name,
            f"{timing.median:.1f}",
            f"{paired_ratio(timings, 'Regard', name):.2f}",
            f"{timing.process_megabytes:,.0f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()

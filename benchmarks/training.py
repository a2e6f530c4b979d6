"""Training target tokens/s against torch.nn.Transformer and Hugging Face Marian, equal size and batches.

python -m benchmarks.training [--rounds 5]
"""

import argparse
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks import lengths, machine
from benchmarks.timing import Entry, in_turn, paired_ratio
from benchmarks.translators import Step, marian_step, regard_step, torch_translator

CONTESTANTS: dict[str, Callable[[str], Step]] = {
    "torch.nn.Transformer": torch_translator,
    "Hugging Face Marian (SDPA)": marian_step,
    "Regard": regard_step,
}
LENGTHS = {"captions": lengths.captions, "up to 256": lengths.mixed}


def prepare(contestant: str, precision: str, kind: str) -> Callable[[], object]:
    """Eight batches spread evenly over the sorted corpus: the same for all."""
    pairs = chosen(kind)
    step = CONTESTANTS[contestant](precision)

    def round_() -> None:
        for pair in pairs:
            step(pair)

    return round_


def chosen(kind: str) -> list[lengths.Pair]:
    pairs = lengths.batches(LENGTHS[kind](12_000), 4096, 8000)
    count = 8
    return [pairs[int((i + 0.5) * len(pairs) / count)] for i in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    console = Console()
    console.print(machine.describe())
    table = Table("lengths", "precision", "contestant", "target tokens/s", "× torch", "× Marian", "peak MB")
    for kind in LENGTHS:
        tokens = sum(pair.target_tokens for pair in chosen(kind))
        for precision in machine.PRECISIONS:
            timings = in_turn({name: Entry(prepare, (name, precision, kind)) for name in CONTESTANTS}, rounds)
            for name, timing in timings.items():
                table.add_row(
                    kind,
                    precision,
                    name,
                    f"{tokens / timing.median:,.0f}",
                    f"{paired_ratio(timings, name, 'torch.nn.Transformer'):.2f}",
                    f"{paired_ratio(timings, name, 'Hugging Face Marian (SDPA)'):.2f}",
                    f"{timing.peak_megabytes:,.0f}",
                )
    console.print(table)


if __name__ == "__main__":
    main()

"""What looking costs: one layer of 12 heads, fused, and eager as Hugging Face writes attention out.

python -m benchmarks.lens [--lengths 512 2048 8192 32768] [--rounds 3] [--held 8192]

Not among them: attnread 0.1.2, which wants torch 2.14 and transformers 5.19 alone (and nnsight 0.7).
"""

import argparse
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from benchmarks import machine
from benchmarks.timing import Entry, Round, in_turn, paired_ratio

HEADS, DIM = 12, 64
WIDTH = HEADS * DIM


class FusedLayer(nn.Module):
    """Self-attention as most models have it."""

    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Linear(WIDTH, 3 * WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.projection(x).view(*x.shape[:2], 3 * HEADS, DIM).transpose(1, 2).chunk(3, 1)
        read = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.output(read.transpose(1, 2).flatten(2))


def _inputs(length: int) -> torch.Tensor:
    return torch.randn(1, length, WIDTH, generator=torch.Generator().manual_seed(0))


def fused(length: int) -> Round:
    layer, x = FusedLayer().eval(), _inputs(length)

    def run() -> None:
        with torch.no_grad():
            layer(x)

    return run


def looked_at(length: int, options: dict[str, object]) -> Round:
    """The same layer, with `regard.look(**options)` around it."""
    import regard

    layer, x = FusedLayer().eval(), _inputs(length)

    def run() -> None:
        with torch.no_grad(), regard.look(layer, **options):  # type: ignore[arg-type]
            layer(x)

    return run


def eager(length: int) -> Round:
    """Hugging Face's, which keeps all weights: `output_attentions`."""
    from transformers import BertConfig
    from transformers.models.bert.modeling_bert import BertAttention

    config = BertConfig(hidden_size=WIDTH, num_attention_heads=HEADS, attn_implementation="eager")
    layer, x = BertAttention(config).eval(), _inputs(length)

    def run() -> None:
        with torch.no_grad():
            layer(x)

    return run


def contestants(length: int, held: int) -> dict[str, Entry]:
    """All that is compared at a length; what holds all weights only up to `held` positions."""
    prepare: dict[str, tuple[Callable[..., Round], tuple[object, ...]]] = {
        "fused": (fused, (length,)),
        "fused, one row seen": (looked_at, (length, {"queries": [-1]})),
        "fused, summary seen": (looked_at, (length, {"keep": "summary"})),
    }
    if length <= held:
        prepare["fused, all rows seen"] = (looked_at, (length, {}))
        prepare["eager, Hugging Face"] = (eager, (length,))
    return {name: Entry(*one) for name, one in prepare.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 2048, 8192, 32768])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--held", type=int, default=8192, help="longest at which all weights are held")
    given = parser.parse_args()
    console = Console()
    console.print(machine.describe())
    table = Table("n", "contestant", "ms", "× fused", "peak MB", title="one layer, 12 heads, d 64, fp32")
    for length in given.lengths:
        timings = in_turn(contestants(length, given.held), given.rounds)
        for name, timing in timings.items():
            taken = 1 / paired_ratio(timings, name, "fused")
            figures = f"{timing.median * 1e3:.1f}", f"{taken:.2f}", f"{timing.peak_megabytes:.0f}"
            table.add_row(str(length), name, *figures)
    console.print(table)


if __name__ == "__main__":
    main()

"""Windowed and additive attention, time and peak memory, against dense and against a peer.

python -m benchmarks.attention [--rounds 5]
"""

import argparse
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F

from benchmarks import machine
from benchmarks.timing import Entry, in_turn, paired_ratio

Round = Callable[[], object]
HEADS, DIM, WINDOW = 8, 64, 128


def _qkv(length: int, dtype: torch.dtype) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(1, HEADS, length, DIM, dtype=dtype, requires_grad=True) for _ in range(3)]


def _forward_backward(run: Callable[[], Tensor]) -> Round:
    return lambda: run().sum().backward()


def dense_window(length: int, dtype: torch.dtype) -> Round:
    """SDPA with a boolean band of the window's width."""
    query, key, value = _qkv(length, dtype)
    place = torch.arange(length)
    distance = place[:, None] - place[None, :]
    band = (distance >= 0) & (distance < WINDOW)
    return _forward_backward(lambda: F.scaled_dot_product_attention(query, key, value, attn_mask=band))


def local_attention_window(length: int, dtype: torch.dtype) -> Round:
    """The `local-attention` package."""
    from local_attention import LocalAttention

    query, key, value = _qkv(length, dtype)
    attention = LocalAttention(
        window_size=WINDOW, causal=True, look_backward=1, exact_windowsize=True, use_rotary_pos_emb=False
    )
    return _forward_backward(lambda: attention(query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1)))


def regard_window(length: int, dtype: torch.dtype) -> Round:
    from regard.attention import Causal, Window, attend

    query, key, value = _qkv(length, dtype)
    scope = Causal() & Window(WINDOW - 1)
    return _forward_backward(lambda: attend(query, key, value, scope=scope).context)


def _additive_inputs() -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(64, 1, 50, 512, requires_grad=True) for _ in range(2)]


def broadcast_additive() -> Round:
    """As most tutorials write it: a [batch, queries, keys, hidden] tensor."""
    query, key = _additive_inputs()
    to_query, to_key = torch.nn.Linear(512, 512, bias=False), torch.nn.Linear(512, 512, bias=False)
    direction = torch.nn.Linear(512, 1, bias=False)

    def run() -> Tensor:
        hidden = torch.tanh(to_query(query)[:, 0, :, None] + to_key(key)[:, 0, None, :])
        weights = direction(hidden)[..., 0].softmax(-1)
        return weights @ key[:, 0]

    return _forward_backward(run)


def regard_additive() -> Round:
    from regard.attention import Additive, attend

    query, key = _additive_inputs()
    score = Additive(512, 512, hidden=512)
    return _forward_backward(lambda: attend(query, key, key, score=score).context)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    console = Console()
    console.print(machine.describe())
    window = Table(
        "keys",
        "precision",
        "contestant",
        "ms",
        "× dense",
        "peak MB",
        title="window 128, 8 heads, d 64, forward + backward",
    )
    entries: dict[str, Callable[[int, torch.dtype], Round]] = {
        "dense SDPA, boolean mask": dense_window,
        "local-attention": local_attention_window,
        "Regard windowed": regard_window,
    }
    for length in (1024, 4096):
        for name in machine.PRECISIONS:
            dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[name]
            timings = in_turn({key: Entry(run, (length, dtype)) for key, run in entries.items()}, rounds)
            for key, timing in timings.items():
                ratio = paired_ratio(timings, key, "dense SDPA, boolean mask")
                window.add_row(
                    str(length),
                    name,
                    key,
                    f"{timing.median * 1e3:.1f}",
                    f"{ratio:.2f}",
                    f"{timing.peak_megabytes:.0f}",
                )
    console.print(window)
    additive = Table(
        "contestant", "ms", "× broadcast", "peak MB", title="additive, batch 64, 50 × 50, d 512, fp32"
    )
    timings = in_turn(
        {"broadcast": Entry(broadcast_additive), "Regard additive": Entry(regard_additive)}, rounds
    )
    for key, timing in timings.items():
        ratio = paired_ratio(timings, key, "broadcast")
        additive.add_row(key, f"{timing.median * 1e3:.1f}", f"{ratio:.2f}", f"{timing.peak_megabytes:.0f}")
    console.print(additive)


if __name__ == "__main__":
    main()

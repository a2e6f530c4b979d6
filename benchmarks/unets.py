"""U-Nets, images/s in training and inference, against MONAI; plain and gated.

    python -m benchmarks.unets [--rounds 5]

Networks are of nearly one size: the table has parameters and operations of each.
"""

import argparse
import contextlib
import io
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from benchmarks import machine
from benchmarks.steps import MODES, Round, size_of, steps
from benchmarks.timing import Entry, in_turn, paired_ratio

WIDTH, CLASSES, SIDE, BATCH = 32, 2, 256, 4
CHANNELS = tuple(WIDTH << level for level in range(5))


def regard_unet() -> nn.Module:
    """It normalises the images too."""
    return _regard(attention_gates=False)


def regard_gated() -> nn.Module:
    return _regard(attention_gates=True)


def _regard(attention_gates: bool) -> nn.Module:
    from regard.models.images import UNet, UNetConfig

    config = UNetConfig(width=WIDTH, attention_gates=attention_gates)
    return UNet(config, 3, CLASSES, mean=[0.5] * 3, std=[0.2] * 3)


def monai_basic() -> nn.Module:
    """BasicUNet, whose finest level halves its channels as the others do: the same sums as Regard's."""
    from monai.networks.nets.basic_unet import BasicUNet, UpCat

    with contextlib.redirect_stdout(io.StringIO()):  # it prints its features
        network = BasicUNet(2, 3, CLASSES, features=(*CHANNELS, WIDTH), act=_RELU, norm="batch")
    network.upcat_1 = UpCat(2, 2 * WIDTH, WIDTH, WIDTH, _RELU, "batch", bias=True)
    return network


def monai_basic_gated() -> nn.Module:
    """The same with MONAI's AttentionBlock at each skip."""
    network = monai_basic()
    for level in range(4):
        name = f"upcat_{level + 1}"
        setattr(network, name, _Gated(getattr(network, name), CHANNELS[level]))
    return network


class _Gated(nn.Module):
    """A level of BasicUNet's decoder, with a gate."""

    def __init__(self, level: nn.Module, channels: int) -> None:
        super().__init__()
        from monai.networks.nets.attentionunet import AttentionBlock

        self.upsample, self.convs = level.upsample, level.convs
        self.gate = AttentionBlock(2, f_int=channels // 2, f_g=channels, f_l=channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = self.upsample(x)
        return self.convs(torch.cat([self.gate(g=up, x=skip), up], dim=1))


def monai_attention_unet() -> nn.Module:
    from monai.networks.nets.attentionunet import AttentionUnet

    return AttentionUnet(2, 3, CLASSES, CHANNELS, strides=(2, 2, 2, 2))


_RELU = ("relu", {"inplace": True})
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "MONAI BasicUNet": monai_basic,
    "Regard": regard_unet,
    "MONAI AttentionUnet": monai_attention_unet,
    "MONAI BasicUNet, AttentionBlock": monai_basic_gated,
    "Regard, gates": regard_gated,
}
# Regard lays its maps out itself; a peer's are as they come (NCHW), or with channels last.
LAST = ", channels-last"
GROUPS = {
    "plain": (
        "MONAI BasicUNet",
        f"MONAI BasicUNet{LAST}",
        "Regard",
    ),
    "gates": (
        f"MONAI AttentionUnet{LAST}",
        "MONAI BasicUNet, AttentionBlock",
        f"MONAI BasicUNet, AttentionBlock{LAST}",
        "Regard, gates",
    ),
}


def prepare(contestant: str, precision: str, mode: str) -> Round:
    torch.manual_seed(0)
    images = torch.rand(BATCH, 3, SIDE, SIDE)
    labels = torch.randint(0, CLASSES, (BATCH, SIDE, SIDE))
    network = NETWORKS[contestant.removesuffix(LAST)]()
    if contestant.endswith(LAST):
        network, images = network.to(memory_format=torch.channels_last), _channels_last(images)
    if contestant.startswith("Regard"):
        _as_regard_runs(network, mode)
    return steps(network, images, labels, precision, mode)


def _as_regard_runs(network: nn.Module, mode: str) -> None:
    """What Regard's trainer does before training, and its predictors before inference."""
    from regard.nn.convolution import lay_out_weights
    from regard.nn.freed_memory import keep_freed_memory

    if mode == "training":
        keep_freed_memory()
    else:
        lay_out_weights(network)


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    console = Console()
    console.print(machine.describe())
    image = torch.rand(1, 3, SIDE, SIDE)
    sizes = {name: size_of(build(), image) for name, build in NETWORKS.items()}
    table = Table(
        "mode",
        "precision",
        "contestant",
        "M parameters",
        "GFLOP/image",
        "images/s",
        "GFLOP/s (forward's)",
        "Regard is × faster",
        "peak MB",
        title=f"{SIDE}², batch {BATCH}",
    )
    for names in GROUPS.values():
        for mode in MODES:
            for precision in machine.PRECISIONS:
                timings = in_turn({name: Entry(prepare, (name, precision, mode)) for name in names}, rounds)
                for name, timing in timings.items():
                    millions, operations = sizes[name.removesuffix(LAST)]
                    table.add_row(
                        mode,
                        precision,
                        name,
                        f"{millions:.1f}",
                        f"{operations:.1f}",
                        f"{BATCH / timing.median:.2f}",
                        f"{operations * BATCH / timing.median:.0f}",
                        f"{paired_ratio(timings, names[-1], name):.2f}",
                        f"{timing.peak_megabytes:,.0f}",
                    )
    console.print(table)


if __name__ == "__main__":
    main()

"""``regard doctor``: what this machine has, and which attention kernel serves what on it."""

import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

_PACKAGES = ("torch", "tokenizers", "safetensors", "numpy", "matplotlib", "sacrebleu")


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Says what this machine has, and which kernel serves what."""
    facts = dict(_facts())
    head, *rows = kernel_rows()
    if as_json:
        table = [dict(zip(head, row, strict=True)) for row in rows]
        typer.echo(json.dumps({"machine": facts, "kernels": table}, ensure_ascii=False, indent=2))
        return
    from rich.markup import escape
    from rich.table import Table

    from regard.cli.console import show

    about = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        about.add_row(f"[bold]{name}[/]", value)
    kernels = Table(
        "kernel", "serves", "why", box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0)
    )
    for kernel, *conditions, why in rows:
        said = [
            f"{name} {value}" for name, value in zip(head[1:-1], conditions, strict=True) if value != "any"
        ]
        kernels.add_row(kernel, escape("; ".join(said) or "any"), escape(why))  # brackets would be markup
    show(about, "\n[bold]Attention kernels[/], read from the top; the first row that fits serves", kernels)


def kernel_rows(device: str | None = None) -> list[list[str]]:
    """The table of kernels as text: a line of column names, then the rules of a device type in order.

    Example:
        >>> kernel_rows("cpu")[0][0]
        'kernel'
    """
    from regard.attention.kernels import table
    from regard.training.distributed import pick_device

    rows = table.rows(device or pick_device().type)
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def _facts() -> Iterator[tuple[str, str]]:
    from importlib.metadata import PackageNotFoundError, version

    import torch

    yield "regard", version("regard")
    yield "python", f"{platform.python_version()} on {platform.platform(terse=True)}"
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "missing; install Regard again"
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        yield "device", ", ".join(names)
    else:
        threads = torch.get_num_threads()
        capability = torch.backends.cpu.get_cpu_capability()
        yield "device", f"CPU, {threads} thread{'s' if threads != 1 else ''}, {capability}"
    from regard.training.distributed import pick_device
    from regard.training.precision import choose_precision

    yield "training in", str(choose_precision("auto", pick_device()))
    folder = os.environ.get("REGARD_DATA")
    if folder is None:
        yield "REGARD_DATA", "not set: data sets are downloaded into the user's cache"
    else:
        yield "REGARD_DATA", folder if Path(folder).is_dir() else f"{folder}: there is no such folder"
    from regard.lens.fonts import can_draw

    yield "CJK font", "yes" if can_draw("가漢あ") else "none: pictures show boxes; install Noto Sans CJK"

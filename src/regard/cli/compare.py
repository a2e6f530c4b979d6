"""``regard compare``: trained models side by side."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from regard.cli import options
from regard.errors import UserError
from regard.strict_json import strict_json

if TYPE_CHECKING:
    from regard.tasks.text.comparison import Compared, Spread

# What a reader looks for in each task, how it is headed, and with how many digits after the point.
_FIGURES: dict[str, dict[str, tuple[str, int]]] = {
    "translation": {"bleu": ("BLEU", 2), "bleu_papers": ("papers", 2), "chrf": ("chrF", 2)},
    "language-modelling": {"perplexity": ("perplexity", 2)},
    "text-classification": {"accuracy": ("accuracy", 4), "loss": ("loss", 3)},
    "image-classification": {
        "accuracy": ("accuracy", 4),
        "loss": ("loss", 3),
        "calibration_error": ("calibration error", 4),
    },
    "segmentation": {
        "dice": ("Dice", 4),
        "iou": ("IoU", 4),
        "rand": ("Rand", 4),
        "information": ("information", 4),
        "object_f1": ("object F1", 4),
        "count_error": ("count error", 2),
    },
    "denoising": {
        "psnr": ("PSNR", 2),
        "ssim": ("SSIM", 4),
        "noisy_psnr": ("noisy PSNR", 2),
        "noisy_ssim": ("noisy SSIM", 4),
    },
    "anomaly-detection": {
        "auroc": ("AUROC", 4),
        "average_precision": ("average precision", 4),
        "pixel_auroc": ("pixel AUROC", 4),
        "region_overlap": ("AU-PRO", 4),
        "synthetic_pixel_auroc": ("synthetic pixel AUROC", 4),
    },
}


def compare(
    models: Annotated[
        list[str], typer.Argument(help="Model folders, or names of models that ship.", show_default=False)
    ],
    lengths: Annotated[
        Path | None,
        typer.Option(help="Draw BLEU by length of the source into this picture.", show_default=False),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Puts trained models of one task side by side: what each cost, and how good it is.

    Minutes, speed (target tokens, texts or images a second) and figures are those that training wrote down;
    "papers" is BLEU of lowercased words cut by Moses, as many papers have it. Models that differ in their
    seed alone are one line, with the mean and the standard deviation. What was not alike in their budgets
    is told.
    """
    from regard.cli.views import check_new, tell_saved
    from regard.lens.picture import check_picture_path
    from regard.tasks.text.comparison import compare as compared
    from regard.tasks.text.comparison import unlike_budgets

    if markdown and as_json:
        raise UserError("give either --markdown or --json")
    if lengths is not None:
        check_new(lengths, force)
        check_picture_path(lengths)
    lines = compared(models)
    for difference in unlike_budgets(lines):
        typer.echo(f"Not one budget: {difference}", err=True)
    if lengths is not None:
        from regard.tasks.text.lengths_picture import lengths_picture

        lengths_picture(lines, lengths)
        tell_saved(lengths)
    if as_json:
        print(strict_json([asdict(line) for line in lines], indent=2))
    else:
        _print(lines, markdown)


def _print(lines: "list[Compared]", markdown: bool) -> None:
    columns = _columns(lines)
    units = {line.unit for line in lines if line.unit is not None}
    head = ["model", "weights", "min", f"{units.pop()}/s" if len(units) == 1 else "speed"]
    head += [f"{each.split.removeprefix('test_').replace('_', ' ')} {each.heading}" for each in columns]
    rows = [
        [
            line.name if line.seeds == 1 else f"{line.name} ({line.seeds} seeds)",
            f"{line.parameters / 1e6:.2f} M",
            f"{line.seconds.mean / 60:.{0 if line.seconds.mean >= 600 else 1}f}",
            "" if line.speed is None else f"{line.speed.mean:,.0f}",
            *(_shown(line.figures.get(each.split, {}).get(each.name), each.digits) for each in columns),
        ]
        for line in lines
    ]
    if markdown:
        for row in (head, ["---"] * len(head), *rows):
            print(f"| {' | '.join(row)} |")
        return
    from rich.table import Table

    from regard.cli.console import show

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for index, name in enumerate(head):
        table.add_column(name.replace(" ", "\n"), justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    show(table)


class _Column(NamedTuple):
    """A figure of a split, as a table shows it."""

    split: str
    name: str
    heading: str
    digits: int


def _columns(lines: "list[Compared]") -> list[_Column]:
    """The task's figures of the test data, where there is some; the loss, where there is no other."""
    splits = list(dict.fromkeys(split for line in lines for split in line.figures))
    tests = [split for split in splits if split.startswith("test")] or splits
    columns = []
    for split in tests:
        known = {name for line in lines for name in line.figures.get(split, {})}
        wanted = {name: shown for name, shown in _FIGURES[lines[0].task].items() if name in known}
        if not wanted and "loss" in known:
            wanted = {"loss": ("loss", 3)}
        columns += [_Column(split, name, *shown) for name, shown in wanted.items()]
    return columns


def _shown(spread: "Spread | None", digits: int) -> str:
    if spread is None:
        return ""
    mean = f"{spread.mean:.{digits}f}"
    return mean if spread.deviation is None else f"{mean} ± {spread.deviation:.{digits}f}"

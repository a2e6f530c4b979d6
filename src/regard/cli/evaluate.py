"""``regard evaluate``: how good a model is on data with known answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from regard.cli import options
from regard.errors import UserError


def evaluate(
    model: options.Model,
    data: Annotated[
        str | None,
        typer.Option(
            help="A named data set, a file, or a folder of pictures. Default: the recipe's test data."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Which part of the data set.")] = "test",
    source: Annotated[
        Path | None, typer.Option(help="A text file, with --target: a line a sentence.")
    ] = None,
    target: Annotated[Path | None, typer.Option(help="Its translation, line by line.")] = None,
    beam: options.Beam = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Scores a model on data with known answers.

    For a translator: BLEU and chrF with their signatures, loss and speed. For a language model: loss and
    perplexity. For a classifier: loss and accuracy. For models of pictures: Dice and IoU, PSNR and SSIM, or
    AUROC; --json has them by class and by kind of picture too.
    """
    if (source is None) != (target is None):
        raise UserError("--source and --target go together: two text files, aligned line by line")
    if source is not None and data is not None:
        raise UserError("give either --data, or --source and --target")
    from regard.tasks import evaluate as evaluated
    from regard.tasks import load

    predictor = load(model, device=device)
    if predictor.task != "translation" and (beam is not None or source is not None):
        raise UserError(
            f"--beam, --source and --target are for translators; this model's task is {predictor.task}"
        )
    typer.echo(f"Evaluating {model}", err=True)
    decoding: dict[str, Any] = {} if beam is None else {"beam": beam}
    files = (source, target) if source is not None and target is not None else data
    figures = evaluated(predictor, files, split, **decoding)
    if as_json:
        print(json.dumps(figures, ensure_ascii=False, indent=2))
    else:
        _print(figures)


def _print(figures: dict[str, Any]) -> None:
    from rich.table import Table

    from regard.cli.console import console, show

    console().print(f"On {figures['data']}:", highlight=False, soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    for name, value in figures.items():
        if isinstance(value, int | float):
            table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else f"{value:,.4g}")
    show(table)
    if by_length := figures.get("by_length"):
        shown = (
            f"{'more' if end == 'more' else f'≤{end}'} {bucket['bleu']}" for end, bucket in by_length.items()
        )
        console().print(f"BLEU by words in the source: {'  '.join(shown)}", highlight=False)
    for name, signature in figures.get("signatures", {}).items():
        said = f"{name.replace('_', ' ')}: {signature}"
        console().print(said, highlight=False, soft_wrap=True, style="dim")

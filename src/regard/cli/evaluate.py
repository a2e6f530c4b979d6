"""``regard evaluate``: how good a model is on data with known answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from regard.cli import options, progress
from regard.errors import UserError
from regard.strict_json import strict_json

_MOST_CLASSES = 30  # of more, --json has the figures


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
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="A folder: draw into it, of a classifier of pictures, the confusion matrix and the "
            "reliability diagram.",
            show_default=False,
        ),
    ] = None,
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Scores a model on data with known answers.

    For a translator: BLEU and chrF with their signatures, loss and speed. For a language model: loss and
    perplexity. For a classifier: loss and accuracy, of pictures calibration too. For other models of
    pictures: Dice and IoU, PSNR and SSIM, or AUROC. By kind of picture and by class where there are several.
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
    if pictures is not None:
        _check_pictures(predictor.task, pictures, force)
    typer.echo(f"Evaluating {model}", err=True)
    decoding: dict[str, Any] = {} if beam is None else {"beam": beam}
    files = (source, target) if source is not None and target is not None else data
    with progress.bar(None, "Evaluating") as bar:
        figures = evaluated(predictor, files, split, each=bar.at, **decoding)
    try:  # what has taken long is told whatever becomes of its pictures, and they are saved before it is
        if pictures is not None:
            _save(figures, pictures)
    finally:
        if as_json:
            print(strict_json(figures, indent=2))
        else:
            _print(figures)


def _save(figures: dict[str, Any], folder: Path) -> None:
    from regard.cli.views import tell_saved
    from regard.tasks.images.class_pictures import class_pictures

    folder.mkdir(parents=True, exist_ok=True)
    for path in class_pictures(figures, folder):
        tell_saved(path)


def _check_pictures(task: str, folder: Path, force: bool) -> None:
    """Makes sure, before any work, that there is something to draw and that nothing is lost by it."""
    if task != "image-classification":
        raise UserError(f"--pictures draws how a classifier of pictures errs; this model's task is {task}")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--pictures {folder}: is a file; name a folder")
    from regard.cli.views import check_new
    from regard.tasks.images.class_pictures import CONFUSION, RELIABILITY

    for name in (CONFUSION, RELIABILITY):
        if folder.exists():
            check_new(folder / name, force)


def _print(figures: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from regard.cli.console import console, show

    # As texts, of names too: brackets and colons in them are no markup.
    console().print(Text(f"On {figures['data']}:"), soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    for name, value in figures.items():
        if isinstance(value, int | float):
            table.add_row(name.replace("_", " "), _shown(value))
    show(table)
    _print_parts(figures.get("kinds", {}), "kind of picture")
    if len(figures.get("classes", {})) <= _MOST_CLASSES:
        _print_parts(figures.get("classes", {}), "class")
    if by_length := figures.get("by_length"):
        shown = (
            f"{'more' if end == 'more' else f'≤{end}'} {bucket['bleu']}" for end, bucket in by_length.items()
        )
        console().print(f"BLEU by words in the source: {'  '.join(shown)}", highlight=False)
    for name, signature in figures.get("signatures", {}).items():
        said = f"{name.replace('_', ' ')}: {signature}"
        console().print(said, highlight=False, soft_wrap=True, style="dim")


def _print_parts(parts: Mapping[str, Mapping[str, float]], what: str) -> None:
    """A table of figures with a row for each part of the data."""
    if not parts:
        return
    from rich.table import Table
    from rich.text import Text

    from regard.cli.console import show

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(what, no_wrap=True)
    names = list(dict.fromkeys(name for figures in parts.values() for name in figures))
    for name in names:
        table.add_column(name.replace("_", "\n"), justify="right", vertical="bottom")
    for part, figures in parts.items():
        table.add_row(Text(part), *(_shown(figures.get(name)) for name in names))
    show("", table)


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"

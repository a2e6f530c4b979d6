"""``regard heads``: which heads of a model its task needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options, progress
from regard.counted import counted
from regard.errors import UserError
from regard.strict_json import strict_json

if TYPE_CHECKING:
    from regard.tasks.heads.ranking import HeadRanking


def heads(
    model: options.Model,
    data: Annotated[
        str | None,
        typer.Argument(
            help="A named data set, a file, or a folder of pictures. Default: the recipe's test data.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Which part of the data set.")] = "test",
    source: Annotated[
        Path | None, typer.Option(help="A text file, with --target: a line a sentence.", show_default=False)
    ] = None,
    target: Annotated[
        Path | None, typer.Option(help="Its translation, line by line.", show_default=False)
    ] = None,
    at: Annotated[str, typer.Option(help="Only places whose names match, such as 'decoder.*.cross'.")] = "*",
    examples: Annotated[
        int, typer.Option(min=2, help="How many sentences, texts or pictures at most, evenly spread.")
    ] = 200,
    figure: Annotated[
        bool, typer.Option("--figure", help="Measure the task's figure too, such as BLEU; takes longer.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Draw a heat map: .png, .svg or .pdf.", show_default=False)
    ] = None,
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Switches each head off in turn, and ranks them by what the task loses without it.

    "± " is the standard error over the examples, each compared with itself with all heads: what is less than
    twice that is noise, and marked. A head is tried alone: two that can stand in for each other both look
    cheap.
    """
    if (source is None) != (target is None):
        raise UserError("--source and --target go together: two text files, aligned line by line")
    if source is not None and data is not None:
        raise UserError("give either DATA, or --source and --target")
    if out is not None:
        from regard.cli.inputs import check_kept
        from regard.cli.views import check_new
        from regard.lens.picture import check_picture_path

        check_new(out, force)
        check_picture_path(out)
        check_kept(out, [one for one in (data, source, target) if one is not None])
    from regard.tasks import load
    from regard.tasks.heads.ranking import rank_heads
    from regard.tasks.predictor import Predictor

    predictor = load(model, device=device)
    if not isinstance(predictor, Predictor):
        raise UserError(
            f"{model}: of a model of another library nobody knows what its task loses; what its heads do is "
            f"shown by: regard look heads {model} INPUT…"
        )
    if source is not None and predictor.task != "translation":
        raise UserError(f"--source and --target are for translators; this model's task is {predictor.task}")
    where = (source, target) if source is not None and target is not None else data
    with progress.bar(None, "Switching heads off") as bar:
        ranking = rank_heads(predictor, where, split, at=at, examples=examples, figure=figure, each=bar.at)
    if out is not None:
        from regard.cli.views import tell_saved
        from regard.tasks.heads.picture import ranking_picture

        ranking_picture(ranking, out, title=f"What {model} loses without each head")
        tell_saved(out)
    if as_json:
        print(strict_json(_record(ranking), indent=1))
    else:
        _print(ranking)


def _record(ranking: HeadRanking) -> dict[str, object]:
    every = [asdict(one) | {"beyond_chance": one.beyond_chance} for one in ranking.ranked]
    return asdict(ranking) | {"heads": every}


def _print(ranking: HeadRanking) -> None:
    from rich.table import Table

    from regard.cli.console import console, show

    measured = "" if ranking.value is None else f", {ranking.figure} {ranking.value:.4g}"
    said = f"{counted(ranking.examples, ranking.unit)} of {ranking.data}; with all heads: loss "
    console().print(f"{said}{ranking.loss:.4f}{measured}", highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("without", no_wrap=True)
    table.add_column("head", justify="right")
    table.add_column("loss", justify="right")
    table.add_column("±", justify="right")
    if ranking.value is not None:
        table.add_column(ranking.figure, justify="right")
    table.add_column("")
    for one in ranking.ranked:
        shown = [] if one.figure is None else [f"{one.figure:+.4g}"]
        error, mark = "", ""
        if one.error is not None:
            error, mark = f"{one.error:.4f}", "" if one.beyond_chance else "noise"
        table.add_row(one.place, str(one.head), f"{one.loss:+.4f}", error, *shown, mark)
    show(table)

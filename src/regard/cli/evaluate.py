"""``regard evaluate``: how good a model is on data with known answers."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regard.data import DataConfig, Pair


def evaluate(
    model: options.Model,
    data: Annotated[
        str | None,
        typer.Option(help="A named data set, or a TSV or JSONL file. Default: what the model was tested on."),
    ] = None,
    split: Annotated[str, typer.Option(help="Which part of a named data set.")] = "test",
    source: Annotated[
        Path | None, typer.Option(help="A text file, with --target: a line a sentence.")
    ] = None,
    target: Annotated[Path | None, typer.Option(help="Its translation, line by line.")] = None,
    beam: options.Beam = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Scores a model on data with known answers.

    For a translator: BLEU and chrF with their signatures, loss and speed."""
    if (source is None) != (target is None):
        raise UserError("--source and --target go together: two text files, aligned line by line")
    if source is not None and data is not None:
        raise UserError("give either --data, or --source and --target")
    from regard.data import grouped
    from regard.tasks import evaluate, load

    translator = load(model, task="translation", device=device)
    pairs, name = _pairs(translator.recipe.data, data, split, source, target)
    groups = grouped(pairs)
    typer.echo(f"Translating {len(groups):,} sentences of {name}", err=True)
    decoding: dict[str, Any] = {} if beam is None else {"beam": beam}
    figures = evaluate(translator, groups, **decoding)
    if as_json:
        print(json.dumps({"data": name, **figures}, ensure_ascii=False, indent=2))
    else:
        _print(figures)


def _pairs(
    trained_on: "DataConfig", data: str | None, split: str, source: Path | None, target: Path | None
) -> "tuple[Iterable[Pair], str]":
    """The pairs that are meant, and what to call them."""
    from regard.data import DataConfig, pairs_of, read_pairs

    if source is not None:
        return read_pairs(source, target), f"{source} and {target}"
    if data is None:
        if not trained_on.sets and trained_on.test is None:
            raise UserError("this model's recipe names no test data; say what to evaluate on: --data FILE")
        return pairs_of(trained_on, split), f"{'+'.join(trained_on.sets) or trained_on.test} ({split})"
    if Path(data).suffix or Path(data).exists():
        fields = (None, None) if trained_on.sets else (trained_on.source, trained_on.target)
        return read_pairs(data, source=fields[0], target=fields[1]), data
    languages = (trained_on.source, trained_on.target) if trained_on.sets else (None, None)
    return pairs_of(
        DataConfig(name=data, source=languages[0], target=languages[1]), split
    ), f"{data} ({split})"


def _print(figures: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    for name, value in figures.items():
        if isinstance(value, int | float):
            table.add_row(name.replace("_", " "), f"{value:,}")
    by_length = "  ".join(
        f"≤{end} {bleu}" if end != "more" else f"more {bleu}" for end, bleu in figures["by_length"].items()
    )
    console = Console()
    console.print(table)
    console.print(f"BLEU by words in the source: {by_length}", highlight=False)
    for name, signature in figures["signatures"].items():
        console.print(f"{name.replace('_', ' ')}: {signature}", highlight=False, soft_wrap=True, style="dim")

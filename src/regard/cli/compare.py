"""``regard compare``: trained models side by side."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options

if TYPE_CHECKING:
    from regard.tasks.text.comparison import Compared, Spread

# What a reader looks for, and how it is headed: the first of these groups of which a split has any.
_FIGURES = (
    {"bleu": "BLEU", "bleu_papers": "papers", "chrf": "chrF"},
    {"accuracy": "accuracy", "loss": "loss"},
    {"perplexity": "perplexity"},
)


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
    """Puts trained models side by side: what each cost, and how good it is.

    Minutes, speed (target tokens, texts or images a second) and figures are those that training wrote down;
    "papers" is BLEU of lowercased words cut by Moses, as many papers have it. Models that differ in their
    seed alone are one line, with the mean and the standard deviation. What was not alike in their budgets
    is told.
    """
    from regard.cli.views import check_new, tell_saved
    from regard.tasks.text.comparison import compare as compared
    from regard.tasks.text.comparison import unlike_budgets

    if lengths is not None:
        check_new(lengths, force)
    lines = compared(models)
    for difference in unlike_budgets(lines):
        typer.echo(f"Not one budget: {difference}", err=True)
    if as_json:
        print(json.dumps([asdict(line) for line in lines], ensure_ascii=False, indent=2))
    else:
        _print(lines, markdown)
    if lengths is not None:
        from regard.tasks.text.lengths_picture import lengths_picture

        lengths_picture(lines, lengths)
        tell_saved(lengths)


def _print(lines: "list[Compared]", markdown: bool) -> None:
    columns = _columns(lines)
    head = ["model", "weights", "min", "speed"]
    head += [f"{split.removeprefix('test_').replace('_', ' ')} {shown}" for split, _, shown in columns]
    rows = [
        [
            line.name if line.seeds == 1 else f"{line.name} ({line.seeds} seeds)",
            f"{line.parameters / 1e6:.2f} M",
            f"{line.seconds.mean / 60:.0f}",
            "" if line.speed is None else f"{line.speed.mean:,.0f}",
            *(_shown(line.figures.get(split, {}).get(name)) for split, name, _ in columns),
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


def _columns(lines: "list[Compared]") -> list[tuple[str, str, str]]:
    """The splits, figures and their headings that are shown: of the test data, where there is some."""
    splits = list(dict.fromkeys(split for line in lines for split in line.figures))
    tests = [split for split in splits if split.startswith("test")] or splits
    columns = []
    for split in tests:
        known = {name for line in lines for name in line.figures.get(split, {})}
        wanted = next((names for names in _FIGURES if known & set(names)), {})
        columns += [(split, name, shown) for name, shown in wanted.items() if name in known]
    return columns


def _shown(spread: "Spread | None") -> str:
    if spread is None:
        return ""
    return f"{spread.mean:.2f}" if spread.deviation is None else f"{spread.mean:.2f} ± {spread.deviation:.2f}"

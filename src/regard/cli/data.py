"""``regard data``: the named data sets."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.data.images.check import Report

app = typer.Typer(no_args_is_help=True, help="Named data sets: list them, get them, say where they are.")

Name = Annotated[str, typer.Argument(help="Name of a data set; see regard data list.", show_default=False)]


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Lists the data sets, with what they hold and licences, and which are on this machine."""
    from regard.data import catalogue

    rows = []
    for name, known in catalogue.SETS.items():
        present, files = catalogue.files_here(name)
        rows.append(
            {
                "name": name,
                "languages": list(known.languages),
                "splits": list(known.splits),
                "here": present == files,
                "files_here": present,
                "files": files,
                "licence": known.licence,
                "about": known.about,
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    from rich.table import Table

    from regard.cli.console import show

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("name", "holds", "here", "licence", "about"):
        table.add_column(column, no_wrap=column in ("name", "holds", "here"))
    for row in rows:
        table.add_row(
            str(row["name"]),
            " ".join(row["languages"]) or "pictures",  # type: ignore[arg-type]
            "yes" if row["here"] else "in part" if row["files_here"] else "no",
            str(row["licence"]),
            str(row["about"]),
        )
    show(table)


@app.command()
def get(name: Name) -> None:
    """Downloads a data set unless it is on this machine already, and prints its folder."""
    from regard.data import catalogue

    typer.echo(f"Getting {name} …", err=True)
    typer.echo(str(catalogue.get(name)))


@app.command()
def path(name: Name) -> None:
    """Prints the folder where a data set is, or would be put; downloads nothing."""
    from regard.data import catalogue

    typer.echo(str(catalogue.path(name)))


@app.command()
def check(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="RECIPE|FOLDER",
            help="A recipe for pictures (.toml), or a folder, an archive or a stack of them.",
            show_default=False,
        ),
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Reads every picture before training: what is wrong with which file, what is odd, what will be done.

    Ends with exit code 2 where these pictures cannot be learnt from. What a recipe asks of them besides, for
    its network or its figures, training says before its first step."""
    report = _report(place, set_ or [])
    if as_json:
        print(json.dumps(asdict(report), ensure_ascii=False, indent=2))
    else:
        _show(report)
    if not report.good:
        wrong = sum(finding.severity == "error" for finding in report.findings)
        raise UserError(f"{place}: training would not start: {wrong} to be mended")


def _report(place: Path, overrides: list[str]) -> "Report":
    from regard.cli.console import console
    from regard.data.images.check import check_data, layout_of
    from regard.data.images.config import ImageDataConfig

    progress = console(stderr=True)
    if place.suffix != ".toml":
        return check_data(ImageDataConfig(train=place), layout_of(place), console=progress)
    from regard.tasks.images.recipe import ImageRecipe
    from regard.tasks.images.task import ImageTask
    from regard.tasks.kinds import KINDS
    from regard.tasks.recipe import load_recipe

    recipe = load_recipe(place, overrides)
    task = KINDS[recipe.task].task
    if not isinstance(recipe, ImageRecipe) or not issubclass(task, ImageTask):
        raise UserError(f"{place}: its task is {recipe.task}; pictures are checked, not texts")
    return check_data(recipe.data, task.layout, console=progress)


_MOST_FILES = 5


def _show(report: "Report") -> None:
    from regard.cli.console import console

    out = console()
    counts = ", ".join(f"{split} {count:,}" for split, count in report.pictures.items())
    out.print(f"Pictures: {counts or 'none'}", highlight=False)
    for finding in report.findings:
        style = {"error": "bold red", "warning": "bold yellow", "note": "dim"}[finding.severity]
        out.print(f"{finding.severity:8}", style=style, end="", highlight=False)
        out.print(finding.what, highlight=False, markup=False, emoji=False, soft_wrap=True)
        for file in finding.files[:_MOST_FILES]:
            out.print(f"{'':8}  {file}", highlight=False, markup=False, emoji=False, soft_wrap=True)
        if len(finding.files) > _MOST_FILES:
            out.print(f"{'':8}  and {len(finding.files) - _MOST_FILES:,} more (--json names all)")

"""``regard data``: the named data sets."""

import json
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Named data sets: list them, get them, say where they are.")

Name = Annotated[str, typer.Argument(help="Name of a data set; see regard data list.", show_default=False)]


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Lists the data sets, with languages and licences, and which are on this machine."""
    from regard.data import catalogue

    rows = [
        {
            "name": name,
            "languages": list(known.languages),
            "splits": list(known.splits),
            "here": catalogue.path(name).is_dir(),
            "licence": known.licence,
            "about": known.about,
        }
        for name, known in catalogue.SETS.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    from rich.table import Table

    from regard.cli.console import show

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("name", "languages", "here", "licence", "about"):
        table.add_column(column, no_wrap=column in ("name", "languages", "here"))
    for row in rows:
        table.add_row(
            str(row["name"]),
            " ".join(row["languages"]),  # type: ignore[arg-type]
            "yes" if row["here"] else "no",
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

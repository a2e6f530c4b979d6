"""``regard train``: from a recipe to a model folder."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe (.toml).", show_default=False)],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe: --set model.layers=6."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The model folder to make. Default: models/NAME-OF-RECIPE.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
) -> None:
    """Trains a model from a recipe.

    The model folder also holds checkpoints, logs and learning curves. Ctrl-C stops training between two
    updates; --resume goes on from there, to the same weights.
    """
    from regard import tasks
    from regard.cli.console import console

    # Read before training is even imported: most mistakes in a recipe are told at once.
    read = tasks.load_recipe(recipe, set_ or [])
    folder = out or Path("models") / recipe.stem
    # Progress is for people; standard output stays free.
    tasks.train(read, folder, resume=resume, console=console(stderr=True))

"""``regard look distance``: how far the layers of models of pictures look."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.inputs import check_kept
from regard.cli.views import check_new, tell_saved
from regard.counted import counted
from regard.errors import UserError
from regard.strict_json import strict_json
from regard.whole_file import write_atomically

if TYPE_CHECKING:
    from regard.lens.reach import Reach
    from regard.tasks.images.inputs import Given

_FILES = (".png", ".svg", ".pdf", ".json")


def distance(
    models: Annotated[
        list[str],
        typer.Argument(help="Models of pictures: folders, or names of models that ship.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option(help="Where to: .png, .svg or .pdf, or .json for the numbers.", show_default=False)
    ],
    data: Annotated[
        str | None,
        typer.Option(
            help="What they look at: a named data set, a picture, or a folder of them. Default: the first "
            "model's test data."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Which part of a named data set.")] = "test",
    count: Annotated[int, typer.Option(min=1, help="How many of the pictures, evenly spread.")] = 32,
    device: options.Device = None,
    force: options.Force = False,
) -> None:
    """Measures how far each layer looks, of Vision Transformers and convolutional networks in one plot.

    Of a Vision Transformer: the mean distance that each head attends over (Dosovitskiy et al. 2021, fig. 7).
    Of a ResNet, and of a U-Net's encoder: the mean distance within the effective receptive field (Luo et al.
    2016). In pixels of what the network reads, by depth."""
    if out.suffix.lower() not in _FILES:
        raise UserError(f"{out}: a file of distances ends in {', '.join(_FILES)}")
    check_new(out, force)
    if data is not None:
        check_kept(out, [data])
    from regard.tasks import load
    from regard.tasks.images.predictor import PicturePredictor
    from regard.tasks.images.reach import reach_of

    predictors = [load(model, device=device) for model in models]
    for model, predictor in zip(models, predictors, strict=True):
        if not isinstance(predictor, PicturePredictor):
            raise UserError(
                f"{model}: distances in pixels are measured of models of pictures; its task is "
                f"{predictor.task}"
            )
    pictures = _pictures(predictors[0], data, split, count)
    reaches = []
    for name, predictor in zip(_names(models), predictors, strict=True):
        typer.echo(f"Looking through {name} at {counted(len(pictures), 'picture')}", err=True)
        reaches.append(reach_of(predictor, pictures, name))
    _save(reaches, out)
    tell_saved(out)
    _print(reaches)


def _pictures(predictor: Any, data: str | None, split: str, count: int) -> "list[Given]":
    from regard.tasks.images.reach import evenly, some_pictures

    place = None if data is None else Path(data)
    if place is None or not place.exists():
        return some_pictures(predictor, data, split, count)
    from regard.cli.pictures import find_pictures

    return [picture.pixels() for picture in evenly(find_pictures([place]), count)]


def _names(models: Sequence[str]) -> list[str]:
    """The names of folders; the whole paths where those are not enough to tell the models apart."""
    names = [Path(model).name or model for model in models]
    return names if len(set(names)) == len(names) else list(models)


def _print(reaches: "Sequence[Reach]") -> None:
    from rich.table import Table

    from regard.cli.console import show

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("model", "layer"):
        table.add_column(name, no_wrap=True)
    for name in ("heads", "nearest", "mean", "farthest"):
        table.add_column(name, justify="right")
    for reach in reaches:
        for layer, distances in reach.layers.items():
            values = distances.flatten().tolist()
            spread = (min(values), sum(values) / len(values), max(values))
            heads = str(len(values)) if reach.what == "attention" else ""
            table.add_row(reach.name, layer, heads, *(f"{value:.1f}" for value in spread))
    show(table)


def _save(reaches: "Sequence[Reach]", out: Path) -> None:
    if out.suffix.lower() == ".json":
        text = strict_json([reach.to_json() for reach in reaches], indent=1)
        write_atomically(out, f"{text}\n".encode())
        return
    from regard.lens.distance_picture import distance_picture

    distance_picture(reaches, out, title="How far each layer looks")

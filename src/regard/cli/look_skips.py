"""``regard look skips``: what each skip connection of a U-Net carries."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.inputs import check_kept
from regard.cli.views import check_new, tell_saved
from regard.errors import UserError
from regard.strict_json import strict_json

if TYPE_CHECKING:
    from regard.tasks.images.skips import Trial

# What a reader looks for, of all that an evaluation gives.
_FIGURES = (
    *("dice", "iou", "pixel_error", "object_f1", "count_error"),
    *("psnr", "ssim", "auroc", "pixel_auroc", "region_overlap"),
)


def skips(
    model: options.Model,
    picture: Annotated[
        Path | None, typer.Argument(help="A picture to try it on.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Draw the results: .png, .svg or .pdf.", show_default=False)
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Score each trial on data with known answers: a named data set, or a folder.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Which part of a named data set.")] = "test",
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Switches each skip connection of a U-Net off in turn, then all, and shows what is lost by it.

    Of a picture the figures say how like the result is to that with all skips; with --data they are those of
    an evaluation."""
    if picture is None and data is None:
        raise UserError("nothing to try it on: give a picture, or --data with a set or a folder")
    if out is not None:
        if picture is None:
            raise UserError("--out draws the results of a picture: give one")
        check_new(out, force)
        check_kept(out, [picture])
        from regard.lens.picture import check_picture_path

        check_picture_path(out)
    from regard.tasks import load
    from regard.tasks.images.skips import trials

    predictor = load(model, device=device)
    trials(predictor.model)  # told before any work, if there are none
    found: dict[str, dict[Trial, dict[str, Any]]] = {}
    if picture is not None:
        found["picture"] = _try_on(predictor, picture, out)
    if data is not None:
        found["data"] = _score(predictor, data, split)
    if as_json:
        print(strict_json(_records(found), indent=1))
    else:
        _print(found, {"picture": f"{picture}, against all skips", "data": f"{data}, against what is known"})


def _try_on(predictor: Any, picture: Path, out: Path | None) -> "dict[Trial, dict[str, Any]]":
    from regard.tasks.images.skips import likeness, results_without_skips

    results = results_without_skips(predictor, picture)
    whole = next(iter(results.values()))
    if out is not None:
        from regard.tasks.images.skips_picture import skips_picture

        skips_picture(results, out, title=f"What the skip connections carry: {picture.name}")
        tell_saved(out)
    return {trial: likeness(result, whole) for trial, result in results.items() if trial.off}


def _score(predictor: Any, data: str, split: str) -> "dict[Trial, dict[str, Any]]":
    from regard.tasks.images.skips import figures_without_skips

    return figures_without_skips(
        predictor, data, split, each=lambda trial: typer.echo(f"Evaluating {trial.name}", err=True)
    )


def _records(found: "Mapping[str, Mapping[Trial, Mapping[str, Any]]]") -> dict[str, Any]:
    return {
        where: [{"trial": trial.name, "off": list(trial.off), **figures} for trial, figures in rows.items()]
        for where, rows in found.items()
    }


def _print(found: "Mapping[str, Mapping[Trial, Mapping[str, Any]]]", headings: Mapping[str, str]) -> None:
    from rich.table import Table

    from regard.cli.console import console, show

    for where, rows in found.items():
        known = {name for figures in rows.values() for name in figures}
        names = [name for name in _FIGURES if name in known]
        console().print(f"{headings[where]}:", highlight=False, soft_wrap=True)
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("", no_wrap=True)
        for name in names:
            table.add_column(name.replace("_", " "), justify="right")
        for trial, figures in rows.items():
            table.add_row(trial.name, *(_shown(figures.get(name)) for name in names))
        show(table)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"

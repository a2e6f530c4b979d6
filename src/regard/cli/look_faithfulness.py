"""``regard look faithfulness``: which method's maps a model's answers really hang on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.look_relevance import explainable, known_method, slowly
from regard.cli.views import check_new, tell_saved
from regard.errors import UserError
from regard.strict_json import strict_json

if TYPE_CHECKING:
    from regard.lens.faithfulness import Faithfulness

_FILES = (".png", ".svg", ".pdf", ".json")


def faithfulness(
    model: options.Model,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Texts, or a file with one a line; pictures, or a folder of them.",
            show_default=False,
        ),
    ],
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare only this; may be given several times. Default: all that make sense but flow, "
            "which is slow.",
            show_default=False,
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many inputs at most, evenly spread.")] = 32,
    out: Annotated[
        Path | None, typer.Option(help="Draw the curves: .png, .svg or .pdf; .json for the numbers.")
    ] = None,
    force: options.Force = False,
) -> None:
    """Compares methods by deletion and insertion curves, over one input or many.

    What a map names is taken away, the most important first, and the model is asked again how probable its
    answer is: the lower the curve, the more faithful the map. Then the same is put into an empty input: the
    higher, the better. Orders drawn by chance are the measure of both."""
    if out is not None:
        if out.suffix.lower() not in _FILES:
            raise UserError(f"{out}: curves are saved as {', '.join(_FILES)}")
        check_new(out, force)
    methods = [known_method(one) for one in method] if method else None
    from regard.tasks import load

    predictor = explainable(load(model), model)
    given = _inputs(predictor, inputs, count)
    found = _measured(predictor, given, methods)
    _print(found)
    if out is not None:
        _save(found, out)
        tell_saved(out)


def _inputs(predictor: Any, inputs: Sequence[str], count: int) -> list[Any]:
    from regard.tasks.images.predictor import PicturePredictor
    from regard.tasks.images.reach import evenly

    given: list[Any]
    if isinstance(predictor, PicturePredictor):
        from regard.cli.pictures import find_pictures

        given = [picture.path for picture in find_pictures([Path(one) for one in inputs])]
    else:
        given = [line for one in inputs for line in _lines(one) if line.strip()]
    if not given:
        raise UserError("nothing to measure: there is no text")
    return list(evenly(given, count))


def _lines(given: str) -> list[str]:
    """The lines of a file of that name, or the text itself.

    Raises:
        UserError: it can only be the name of a file, and there is none.
    """
    from regard.cli.lines import read_lines

    try:
        is_file = Path(given).is_file()
    except OSError:  # a text may be longer than any name
        is_file = False
    if not is_file:
        if given.endswith(".txt") and len(given.split()) == 1:
            raise UserError(f"{given}: there is no such file")
        return [given]
    with Path(given).open("rb") as stream:
        return list(read_lines(stream, given))


def _measured(predictor: Any, given: Sequence[Any], methods: Sequence[str] | None) -> Faithfulness:
    from regard.lens.faithfulness import mean_of
    from regard.tasks.explanation import compared

    found: list[Faithfulness] = []
    for number, one in enumerate(given, start=1):
        try:
            result = predictor(one)
        except UserError as error:
            if len(given) == 1:
                raise
            typer.echo(f"Skipped: {error}", err=True)
            continue
        for part in getattr(result, "parts", ()) or (result,):
            try:
                with slowly("flow" in (methods or ())) as bar:
                    one_more = compared(part, methods, seed=len(found), each=bar.at)  # type: ignore[arg-type]
                found.append(one_more)
            except ValueError as error:
                raise UserError(f"{one}: {error}") from None
        if len(given) > 1:
            typer.echo(f"Measured {number} of {len(given)}", err=True)
    if not found:
        raise UserError(f"none of the {len(given)} inputs could be read")
    return mean_of(found)


def _print(found: Faithfulness) -> None:
    from rich.table import Table

    from regard.cli.console import show

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("method", no_wrap=True)
    table.add_column("deletion, % (lower is better)", justify="right")
    table.add_column("insertion, % (higher is better)", justify="right")
    for name, curves in sorted(found.methods.items(), key=lambda each: each[1].deletion_area):
        table.add_row(name, f"{100 * curves.deletion_area:.1f}", f"{100 * curves.insertion_area:.1f}")
    chance = found.chance
    table.add_row(
        f"at random ({len(found.random)} orders)",
        f"{100 * chance.deletion_area:.1f} ± {100 * found.spread('deletion'):.1f}",
        f"{100 * chance.insertion_area:.1f} ± {100 * found.spread('insertion'):.1f}",
    )
    show(table)
    typer.echo(
        "Mean probability of the answer while its input is taken away, or put in, in the order of each map; "
        f"{found.inputs} {'input' if found.inputs == 1 else 'inputs'}."
    )


def _save(found: Faithfulness, out: Path) -> None:
    if out.suffix.lower() == ".json":
        try:
            out.write_text(strict_json(found.to_json(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"{out}: cannot write: {error.strerror}") from None
        return
    from regard.lens.faithfulness import faithfulness_picture

    inputs = f"{found.inputs} inputs" if found.inputs > 1 else "one input"
    faithfulness_picture(found, out, title=f"How faithful the maps are: {inputs}")

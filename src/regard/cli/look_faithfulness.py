"""``regard look faithfulness``: which method's maps, and which places', a model's answers really hang on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from regard.cli import options
from regard.cli.inputs import check_kept, texts_in
from regard.cli.look_relevance import explainable, known_method, slowly
from regard.cli.views import check_new, tell_saved
from regard.counted import counted
from regard.errors import UserError
from regard.strict_json import strict_json
from regard.whole_file import write_atomically

if TYPE_CHECKING:
    from regard.lens.faithfulness import Faithfulness, MapFaithfulness

_FILES = (".png", ".svg", ".pdf", ".json")
_TEXTS = (".txt", ".tsv", ".csv", ".json", ".jsonl", ".md", ".gz")
Found = TypeVar("Found")


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
    place: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare the attention of single places too, the mean of heads: a pattern over names, such "
            'as "decoder.*.cross"; may be given several times.',
            show_default=False,
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many inputs at most, evenly spread.")] = 32,
    out: Annotated[
        Path | None, typer.Option(help="Draw the curves: .png, .svg or .pdf; .json for the numbers.")
    ] = None,
    save: Annotated[
        bool,
        typer.Option(
            "--save",
            help="Measure every place instead, and store the figures with the model, where there are some "
            "already in their stead: they then stand below its maps.",
        ),
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(
            help="With --save: what the inputs are, in words. Default: the names of the files.",
            show_default=False,
        ),
    ] = None,
    force: options.Force = False,
) -> None:
    """Compares methods by deletion and insertion curves, over one input or many.

    What a map names is taken away, the most important first, and the model is asked again how probable its
    answer is: the lower the curve, the more faithful the map. Then the same is put into an empty input: the
    higher, the better. Orders drawn by chance are the measure of both."""
    if save and (method or place or out is not None):
        raise UserError("--save measures every place by itself: leave out --method, --place and --out")
    if on is not None and not save:
        raise UserError("--on says what the inputs are whose figures are stored: it goes with --save")
    if out is not None:
        if out.suffix.lower() not in _FILES:
            raise UserError(f"{out}: curves are saved as {', '.join(_FILES)}")
        check_new(out, force)
        check_kept(out, inputs)
    methods = [known_method(one) for one in method] if method else None
    from regard.tasks import load

    predictor = explainable(load(model), model)
    places = _places(predictor, model, place or [])
    given = _inputs(predictor, inputs, count)
    if save:
        _save_places(predictor, model, given, on or _named(inputs), force)
        return
    found = _compared(predictor, given, methods, places)
    if out is not None:
        _save(found, out)
        tell_saved(out)
    _print(found)


def _places(predictor: Any, model: str, patterns: Sequence[str]) -> list[str]:
    """The places that are meant, told before any work.

    Raises:
        UserError: the model has no attention whose rows are answers, or none there.
    """
    from regard.lens import attention_places
    from regard.tasks.explanation.places import answering, comparable

    names = list(attention_places(predictor.model))
    if not answering(predictor.task, names):
        raise UserError(f"{model}: this model has no attention that its answers are read from")
    try:
        return comparable(names, patterns)
    except ValueError as error:
        raise UserError(f"{model}: {error}") from None


def _inputs(predictor: Any, inputs: Sequence[str], count: int) -> list[Any]:
    from regard.data.text.sentences import is_blank
    from regard.tasks.images.predictor import PicturePredictor
    from regard.tasks.images.reach import evenly

    given: list[Any]
    if isinstance(predictor, PicturePredictor):
        from regard.cli.pictures import find_pictures

        given = [picture.path for picture in find_pictures([Path(one) for one in inputs])]
    else:
        given = [line for one in inputs for line in _lines(one) if not is_blank(line)]
    if not given:
        raise UserError("nothing to measure: there is no text")
    return list(evenly(given, count))


def _lines(given: str) -> list[str]:
    """The lines of a file of that name, or the text itself.

    Raises:
        UserError: it can only be the name of a file, and there is none; or the file cannot be read.
    """
    from regard.data.images.reading import SUFFIXES

    if not _is(Path.exists, given) or _is(Path.is_dir, given):
        named = "/" in given or os.sep in given or given.lower().endswith((*_TEXTS, *SUFFIXES))
        if named and len(given.split()) == 1:
            why = "this is a folder" if _is(Path.is_dir, given) else "there is no such file"
            raise UserError(f"{given}: {why}; give texts, or a file with one a line")
        return [given]
    return texts_in(Path(given))


def _is(kind: Callable[[Path], bool], given: str) -> bool:
    """Whether there is a file, or a folder, of that name."""
    try:
        return kind(Path(given))
    except OSError:  # a text may be longer than any name
        return False


def _named(inputs: Sequence[str]) -> str:
    """What the inputs are, by the names of files and folders.

    Example:
        >>> _named(["The cat sat.", "How are you?"])
        'texts of the command line'
    """
    names = [Path(one).resolve().name for one in inputs if _is(Path.exists, one)]
    return ", ".join(names) or "texts of the command line"


def _each(predictor: Any, given: Sequence[Any], measure: Callable[[Any, int], Found]) -> list[Found]:
    """What is measured of each input, or of each sentence of it.

    Args:
        predictor: that answers.
        given: the inputs; of several, those that cannot be measured are passed over, which is told.
        measure: from a result, and how many were measured before it.

    Raises:
        UserError: none can be measured.
    """
    found: list[Found] = []
    for number, one in enumerate(given, start=1):
        try:
            result = predictor(one)
            for part in getattr(result, "parts", ()) or (result,):
                found.append(measure(part, len(found)))
        except UserError as error:
            if len(given) == 1:
                raise
            typer.echo(f"Skipped: {error}", err=True)
            continue
        except ValueError as error:
            raise UserError(f"{one}: {error}") from None
        if len(given) > 1:
            typer.echo(f"Measured {number} of {len(given)}", err=True)
    if not found:
        raise UserError(f"nothing could be measured of {counted(len(given), 'input')}")
    return found


def _compared(
    predictor: Any, given: Sequence[Any], methods: Sequence[str] | None, places: Sequence[str]
) -> Faithfulness:
    from regard.lens.faithfulness import mean_of
    from regard.tasks.explanation import compared

    def measure(result: Any, seed: int) -> Faithfulness:
        with slowly("flow" in (methods or ())) as bar:
            return compared(result, methods, at=places, seed=seed, each=bar.at)  # type: ignore[arg-type]

    return mean_of(_each(predictor, given, measure))


def _print(found: Faithfulness) -> None:
    from rich.table import Table

    from regard.cli.console import show

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("method or place", no_wrap=True)
    table.add_column("deletion, % (lower is better)", justify="right")
    table.add_column("insertion, % (higher is better)", justify="right")
    for name, curves in sorted(found.methods.items(), key=lambda each: each[1].deletion_area):
        table.add_row(name, f"{100 * curves.deletion_area:.1f}", f"{100 * curves.insertion_area:.1f}")
    chance = found.chance
    table.add_row(
        f"at random ({counted(len(found.random), 'order')})",
        f"{100 * chance.deletion_area:.1f} ± {100 * found.spread('deletion'):.1f}",
        f"{100 * chance.insertion_area:.1f} ± {100 * found.spread('insertion'):.1f}",
    )
    show(table)
    typer.echo(
        "Mean probability of the answer while its input is taken away, or put in, in the order of each map; "
        f"{counted(found.inputs, 'input')}."
    )


def _save_places(predictor: Any, model: str, given: Sequence[Any], data: str, force: bool) -> None:
    """Measures every place, prints what was found, and stores it with the model."""
    from regard.cli.inputs import check_storable
    from regard.lens import attention_places
    from regard.lens.faithfulness import PlaceFigures, mean_of
    from regard.tasks.explanation import measured_places
    from regard.tasks.explanation.places import record_of
    from regard.tasks.folder import add_metrics
    from regard.tasks.layout import METRICS

    folder = check_storable(model, "faithfulness", force)
    found = _each(predictor, given, lambda result, seed: measured_places(result, seed=seed))
    figures = {
        place: mean_of(measured).of(place, data)
        for place in attention_places(predictor.model)
        if (measured := [one[place] for one in found if place in one])
    }
    if not figures:
        raise UserError("nothing to measure: there is nothing that could be taken away from what was given")
    _print_places(figures)
    add_metrics(folder, record_of(PlaceFigures(figures)))
    typer.echo(
        f"Stored the figures of {counted(len(figures), 'place')} with the model: {folder / METRICS}", err=True
    )


def _print_places(figures: Mapping[str, MapFaithfulness]) -> None:
    from rich.table import Table

    from regard.cli.console import show

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("place", no_wrap=True)
    for name in ("deletion, %", "at random", "insertion, %", "at random", "inputs"):
        table.add_column(name, justify="right")
    for place, found in figures.items():
        cells = [
            cell
            for area in (found.deletion, found.insertion)
            for cell in (f"{100 * area.own:.1f}", f"{100 * area.random:.1f} ± {100 * area.spread:.1f}")
        ]
        table.add_row(place, *cells, str(found.inputs))
    show(table)
    typer.echo(
        "Mean probability of the answer while what a place looks at is taken away (lower is better), or put "
        "in (higher is better), in the order of the mean of its heads."
    )


def _save(found: Faithfulness, out: Path) -> None:
    if out.suffix.lower() == ".json":
        write_atomically(out, f"{strict_json(found.to_json(), indent=1)}\n".encode())
        return
    from regard.lens.faithfulness import MOST_DRAWN, faithfulness_picture

    drawn = dict(sorted(found.methods.items(), key=lambda each: each[1].deletion_area)[:MOST_DRAWN])
    if len(drawn) < len(found.methods):
        typer.echo(
            f"Drawn are the {MOST_DRAWN} whose deletion curves lie lowest ({', '.join(drawn)}); "
            "a .json has all",
            err=True,
        )
    title = f"How faithful the maps are: {counted(found.inputs, 'input')}"
    faithfulness_picture(replace(found, methods=drawn), out, title=title)

"""``regard look heads``: what each head of a model does, over one input or many."""

from __future__ import annotations

import csv
import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.inputs import check_kept, check_texts, texts_in
from regard.cli.pictures import of_pictures
from regard.cli.views import check_new, tell_saved
from regard.counted import counted
from regard.errors import UserError
from regard.whole_file import write_atomically

if TYPE_CHECKING:
    from regard.lens.measures import HeadTable

_FILES = (".png", ".svg", ".pdf", ".json", ".csv")
_FIGURES = ("place", "head", "role", "share", "chance", "nearest")
_MEANS = ("entropy", "relative_entropy", "distance", "confidence", "cluster")


def heads(
    model: options.LookedAt,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            help="What the model reads: texts, or pictures and folders of them.",
            show_default=False,
            metavar="INPUT...",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A text in each line of this file.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Save as .png, .svg, .pdf, .json or .csv.", show_default=False)
    ] = None,
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Says what each head does: look at the token before, at the first, at separators, at itself, …

    A head has a role if it gives 40 % of its attention to it, and 25 points more than looking evenly would,
    on average over the inputs; give many. Beside that: how even, how far and how sure heads look, and which
    look alike. Which heads a model needs is another question: regard heads MODEL DATA."""
    if out is not None:
        if out.suffix.lower() not in _FILES:
            raise UserError(f"{out}: a file of figures ends in {', '.join(_FILES)}")
        check_new(out, force)
        check_kept(out, [*(inputs or ()), *([file] if file is not None else ())])
    from regard.cli.progress import line_progress
    from regard.tasks import load
    from regard.tasks.head_figures import measure_heads

    lines = _lines(inputs or [], file)
    predictor = load(model, **({} if device is None else {"device": device}))
    if of_pictures(predictor):
        given, unit = _pictures(lines), "picture"
    else:
        check_texts(inputs or ())
        given, unit = lines, "line"
    with line_progress("measured", unit=unit) as advance:
        table = measure_heads(predictor, given, advance=lambda: advance(1))
    if out is not None:
        _save(table, out, f"{model}: what heads do, over {counted(table.inputs, 'input')}")
        tell_saved(out)
    if as_json:
        from regard.strict_json import strict_json

        print(strict_json(table.to_json()))
    else:
        _print(table)


def _lines(inputs: list[str], file: Path | None) -> list[str]:
    from regard.data.text.sentences import is_blank

    found = [line for line in [*inputs, *([] if file is None else texts_in(file))] if not is_blank(line)]
    if not found:
        raise UserError('nothing to look at; give texts or pictures: regard look heads MODEL "…" (or --file)')
    return found


def _pictures(inputs: list[str]) -> list[Any]:
    from regard.cli.pictures import find_pictures

    return [picture.path for picture in find_pictures([Path(one) for one in inputs])]


def _print(table: HeadTable) -> None:
    from regard.cli.console import show
    from regard.lens.measures import BAR, MARGIN, HeadGrid

    show(HeadGrid(table))
    print(
        f"\nOver {counted(table.inputs, 'input')}. A role: {100 * BAR:.0f} % of a head's attention or more, "
        f"and {100 * MARGIN:.0f} points above even attention; · is none.",
        file=sys.stderr,
    )


def _save(table: HeadTable, out: Path, title: str) -> None:
    suffix = out.suffix.lower()
    if suffix not in (".json", ".csv"):
        from regard.lens.measures import heads_table_picture

        heads_table_picture(table, out, title=title)
        return
    if suffix == ".json":
        from regard.strict_json import strict_json

        text = strict_json(table.to_json(), indent=1) + "\n"
    else:
        rows = StringIO()
        writer = csv.writer(rows, lineterminator="\n")
        writer.writerow([*_FIGURES, *_MEANS])
        writer.writerows([getattr(head, name) for name in (*_FIGURES, *_MEANS)] for head in table.heads)
        text = rows.getvalue()
    write_atomically(out, text.encode())

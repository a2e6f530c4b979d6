"""``regard look relevance``: what of an input an answer comes from, and how faithful the map is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.inputs import check_kept
from regard.cli.views import check_map_file, tell_saved
from regard.errors import UserError
from regard.strict_json import strict_json
from regard.whole_file import write_atomically

if TYPE_CHECKING:
    from regard.data.bar import Bar
    from regard.lens import AttentionMap
    from regard.lens.map_faithfulness import MapFaithfulness, Unmeasured
    from regard.tasks.explanation import Explanation

_MOST = 24  # rows and columns of a grid in the terminal


def known_method(method: str) -> str:
    """A method that there is.

    Raises:
        UserError: another.
    """
    known = ("attention", "rollout", "flow", "gradient", "relevance")
    if method not in known:
        raise UserError(f"--method {method}: there are {', '.join(known)}")
    return method


def relevance(
    model: options.Model,
    given: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="What the model reads: a text, or the file of a picture.",
            show_default=False,
        ),
    ],
    method: Annotated[
        str,
        typer.Option(
            help="attention (the last layer's), rollout, flow (slow), gradient or relevance.",
            callback=known_method,
        ),
    ] = "relevance",
    out: Annotated[
        Path | None, typer.Option(help="Save as .png, .svg, .pdf, .html or .json too.", show_default=False)
    ] = None,
    subwords: Annotated[bool, typer.Option("--subwords", help="Keep the tokens of a word apart.")] = False,
    force: options.Force = False,
) -> None:
    """Shows what of its input each word of an answer, or a class, comes from, through all layers.

    Below each map stands how faithful it is: how much of the answer is left while the input is taken away in
    the map's order, or comes back while it is put in, and in orders drawn by chance."""
    if out is not None:
        check_map_file(out, force)
        check_kept(out, [given])
    from regard.data.text.sentences import is_blank
    from regard.tasks import load

    if is_blank(given):
        raise UserError("nothing to explain: the text is empty")

    result = explainable(load(model), model)(given)
    parts = getattr(result, "parts", ()) or (result,)
    if out is not None and out.suffix.lower() == ".html" and len(parts) > 1:
        raise UserError(f"{out}: a page shows one sentence, and here are {len(parts)}; give one")
    explanations = [explained(part, method) for part in parts]
    shown = [_maps(one, subwords) for one in explanations]
    image = getattr(result, "image", None)
    if out is not None:
        _save(explanations, shown, image, out, title=Path(given).name if image is not None else given)
        tell_saved(out)
    for explanation, maps in zip(explanations, shown, strict=True):
        _print(explanation, maps, str(getattr(result, "label", "")), image)


def explainable(predictor: Any, model: str) -> Any:
    """A predictor whose answers can be explained.

    Raises:
        UserError: another.
    """
    from regard.tasks.explanation.places import TASKS

    task = getattr(predictor, "task", "of another library")
    if task not in TASKS:
        raise UserError(f"{model}: answers of {', '.join(TASKS)} can be explained; its task is {task}")
    return predictor


def slowly(flow: bool) -> Bar:
    """A bar on standard error while maximum flows are found, which takes minutes; for the rest none."""
    from rich.console import Console

    from regard.data.bar import Bar

    return Bar(Console(stderr=True) if flow else None, None, "Finding maximum flows")


def explained(result: Any, method: str) -> Explanation:
    """An explanation, its errors as a user's.

    Raises:
        UserError: the method is none for this model.
    """
    from regard.tasks import explain

    try:
        with slowly(method == "flow") as bar:
            return explain(result, method, each=bar.at)  # type: ignore[arg-type]  # it was checked
    except ValueError as error:
        raise UserError(str(error)) from None


def _maps(explanation: Explanation, subwords: bool) -> dict[str, AttentionMap]:
    from regard.lens import join_subwords

    return {name: seen if subwords else join_subwords(seen) for name, seen in explanation.maps.items()}


def _print(explanation: Explanation, maps: dict[str, AttentionMap], label: str, image: Any) -> None:
    from rich.console import Console

    from regard.cli.console import console, show
    from regard.lens import HeatMap
    from regard.lens.on_pictures import in_rows_and_columns

    for name, seen in maps.items():
        if image is None:
            side = "what was read" if name.endswith("cross") or label else "what was written before"
            title = f"What each word comes from, of {side}, in % ({name})"
            title = f"What the class {label!r} comes from, in % ({name})" if label else title
            show("", HeatMap(seen, title=title))
        else:
            title = f"What the class {label!r} comes from, in % ({name})"
            show("", HeatMap(in_rows_and_columns(seen, most=_MOST), title=title))
        with Console(stderr=True).status("Measuring how faithful this map is"):  # long texts take minutes
            said = known_of(explanation, name).told
        console().print(said, highlight=False, soft_wrap=True)


def known_of(explanation: Explanation, name: str) -> MapFaithfulness | Unmeasured:
    """What is known of how faithful a map is; it is measured when it is first asked for."""
    from regard.lens.map_faithfulness import Unmeasured

    found = explanation.faithfulness.get(name)
    return Unmeasured.NOTHING_TO_TAKE if found is None else found.of(explanation.method)


def _save(
    explanations: Sequence[Explanation],
    shown: Sequence[dict[str, AttentionMap]],
    image: Any,
    out: Path,
    *,
    title: str,
) -> None:
    suffix = out.suffix.lower()
    pairs = [
        (replace(seen, faithfulness=known_of(explanation, name)), explanation.faithfulness.get(name))
        for explanation, maps in zip(explanations, shown, strict=True)
        for name, seen in maps.items()
    ]
    measured = [seen for seen, _ in pairs]
    if suffix == ".json":
        # With the curves, not their areas alone.
        records = [
            {**seen.to_json(), "faithfulness": None if curves is None else curves.to_json()}
            for seen, curves in pairs
        ]
        write_atomically(out, f"{strict_json(records, indent=1)}\n".encode())
    elif suffix == ".html":
        from regard.lens.html import Record, write

        page = [Record(seen, image=image) for seen in measured]
        write(page, out, title=title, force=True)  # whether it may be replaced was asked before
    elif image is not None:
        from regard.lens.on_pictures import heat_of
        from regard.lens.overlay import overlay_picture

        heats = [heat_of(seen) for seen in measured]
        overlay_picture(image, heats, out, title=title, label="share of what it comes from, %")
    else:
        from regard.lens import picture
        from regard.lens.panels import Words

        words = Words("what was answered", "what it comes from", "share of the row, %")
        picture(measured, out, words=words)

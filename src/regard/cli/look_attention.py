"""``regard look attention``, or ``regard look`` alone: what each word, or each patch, attends to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from regard.cli import options
from regard.cli.choice import Choice
from regard.cli.groups import with_groups
from regard.cli.inputs import check_kept
from regard.cli.names import distinct
from regard.cli.pictures import of_pictures
from regard.cli.views import check_map_file, check_new, print_maps, save_maps, tell_saved
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.lens import AttentionMap
    from regard.lens.faithfulness import PlaceFigures


@with_groups
def attention(
    model: options.LookedAt,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            help="What the model reads: texts, or files of pictures.", show_default=False, metavar="INPUT..."
        ),
    ] = None,
    *,
    choice: Choice,
    heads: Annotated[
        Path | None,
        typer.Option(help="Draw every head beside the others into this picture.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Save as .png, .svg, .pdf, .html or .json too.", show_default=False)
    ] = None,
    summary: Annotated[
        bool,
        typer.Option(
            "--summary", help="Figures of all rows instead of weights, for long texts (hf: models)."
        ),
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Only list what there is to look at; no text is needed.")
    ] = False,
    force: options.Force = False,
) -> None:
    """Shows what each word or patch attends to, at any place in a model of any task.

    regard look MODEL INPUT… is short for it. Several inputs are shown one after the other, and together in
    one page (.html). Of a picture: what the class token attends to, or all patches on average, or the one of
    --word ROW,COLUMN; of a U-Net what its attention gates let through. A file has every layer, unless --at
    names some."""
    from regard.data.text.sentences import is_blank

    given = list(inputs or ())
    if not names and any(map(is_blank, given or [""])):
        raise UserError('nothing to look at: the text is empty; give one: regard look MODEL "…"')
    if out is not None and heads is not None and out.resolve() == heads.resolve():
        raise UserError(f"{out}: --out and --heads would both write this file; give each one of its own")
    if out is not None:
        check_map_file(out, force)
        check_kept(out, given)
    if heads is not None:
        if summary:
            raise UserError("--heads draws weights, and --summary keeps none: leave one of them out")
        check_new(heads, force)
        check_kept(heads, given)
    from regard.tasks import load
    from regard.tasks.foreign.texts import ForeignTextModel

    predictor = load(model)
    available = _places(predictor, model)
    choice.check(available)
    if names:
        print("\n".join(available))
        return
    if summary:
        from regard.cli.look_summary import show_summaries

        show_summaries(predictor, given, choice, out)
        return
    looking = _narrowed(choice, available, out) if isinstance(predictor, ForeignTextModel) else {}
    results = [predictor(one, **looking) for one in given]
    known = _known(predictor)
    if of_pictures(predictor):
        _show_pictures(given, results, choice, known, heads, out)
    else:
        _show_texts(given, results, choice, known, heads, out)


def _places(predictor: Any, model: str) -> dict[str, int]:
    """Where there is attention, and with how many heads.

    Raises:
        UserError: nowhere.
    """
    from regard.lens.names import head_counts
    from regard.tasks.foreign.model import ForeignModel

    found = predictor.places if isinstance(predictor, ForeignModel) else head_counts(predictor.model)
    if not found and of_pictures(predictor):
        raise UserError(
            f"{model}: this network has no attention to look at; how far its layers look is measured by: "
            f"regard look distance {model} --out FILE"
        )
    return found


def _known(predictor: Any) -> PlaceFigures:
    """What is known of how faithful its maps are: of models of other libraries, nothing."""
    from regard.lens.faithfulness import PlaceFigures
    from regard.tasks.predictor import Predictor

    return predictor.faithfulness if isinstance(predictor, Predictor) else PlaceFigures()


def _narrowed(choice: Choice, available: Mapping[str, int], out: Path | None) -> dict[str, list[str]]:
    """Only what will be shown is kept of a large model: a page has all, unless some are named."""
    if choice.at is None and choice.word is None and out is not None and out.suffix.lower() == ".html":
        return {}
    whole, rows = choice.places(list(available))
    return {"at": list(dict.fromkeys([*whole, *rows]))}


def _show_texts(
    given: Sequence[str],
    results: Sequence[Any],
    choice: Choice,
    known: PlaceFigures,
    heads: Path | None,
    out: Path | None,
) -> None:
    # Each sentence of a text may have been read by itself, and is then looked at by itself.
    parts = [
        _Part(text, part)
        for text, result in zip(given, results, strict=True)
        for part in getattr(result, "parts", ()) or (result,)
    ]
    chosen = [known.on(maps) for maps in choice.each([part.result for part in parts])]
    if heads is not None:
        _check_only_one(chosen[0], len(parts))  # before anything is saved
    if out is not None:
        title = given[0] if len(given) == 1 else f"{len(given)} texts"
        _save(parts, chosen, choice, known, out, title=title)
    if heads is not None:
        from regard.lens import heads_picture

        heads_picture(chosen[0][0], heads)
        tell_saved(heads)
    if heads is None or out is not None:
        before = None
        for part, maps in zip(parts, chosen, strict=True):
            if part.text is not before:
                _tell(part, several=len(given) > 1)
            before = part.text
            print_maps(maps)


class _Part(NamedTuple):
    """What was read at once: a text, or a sentence of it."""

    text: str
    result: Any

    @property
    def name(self) -> str:
        """The words that were read."""
        tokens = getattr(self.result, "source_tokens", None)
        return self.text if tokens is None else "".join(tokens[:-1]).replace("▁", " ").strip()


def _save(
    parts: Sequence[_Part],
    chosen: Sequence[list[AttentionMap]],
    choice: Choice,
    known: PlaceFigures,
    out: Path,
    *,
    title: str,
) -> None:
    names = distinct([part.name for part in parts]) if len(parts) > 1 else [""]
    if out.suffix.lower() == ".html":
        from regard.lens.html import Record, write

        records = [
            Record(seen, of=name)
            for name, part, maps in zip(names, parts, chosen, strict=True)
            for seen in known.on(choice.for_file([part.result], maps, out))
        ]
        write(records, out, title=title, force=True)  # whether it may be replaced was asked before
    else:
        save_maps(
            [
                replace(seen, name=f"{name}: {seen.name}" if name else seen.name)
                for name, maps in zip(names, chosen, strict=True)
                for seen in maps
            ],
            out,
        )
    tell_saved(out)


def _show_pictures(
    given: Sequence[str],
    results: Sequence[Any],
    choice: Choice,
    known: PlaceFigures,
    heads: Path | None,
    out: Path | None,
) -> None:
    from regard.cli.picture_views import print_grids, save_grids, save_heads, save_page

    pictures = [Path(one) for one in given]
    chosen = [known.on(maps) for maps in choice.each(results)]
    if heads is not None:
        _check_only_one(chosen[0], len(given))  # before anything is saved
    if out is not None and out.suffix.lower() == ".html":
        save_page(results, chosen, distinct([one.name for one in pictures]), choice, known, out)
    elif out is not None:
        if len(results) > 1:
            raise UserError(f"{out}: several pictures go into one page (.html); give one, or save a page")
        save_grids(results[0], chosen[0], choice, known, out, title=pictures[0].name)
    if heads is not None:
        save_heads(results[0].image, chosen[0][0], heads, title=pictures[0].name)
    if heads is None or out is not None:
        for picture, maps in zip(pictures, chosen, strict=True):
            if len(pictures) > 1:
                print(f"\n{picture}")
            print_grids(maps, choice)


def _tell(part: _Part, *, several: bool) -> None:
    """Which text it was, where there are several, and what a model wrote of it."""
    if several:
        print(f"\n{part.text}")
    if written := getattr(part.result, "written", ""):
        print(f"→ {written}")


def _check_only_one(maps: Sequence[AttentionMap], inputs: int) -> None:
    if inputs != 1:
        raise UserError(f"--heads draws one sentence or picture and {inputs} are given; give one")
    if len(maps) != 1:
        raise UserError(f"--heads draws one place and {len(maps)} are meant; name one: --at {maps[0].name}")

"""``regard translate``: a text, or standard input line by line."""

import json
import sys
from itertools import count
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.align import heads_for
from regard.cli.groups import with_groups
from regard.cli.lines import chunks, has_input, read_lines
from regard.cli.looking import Looking
from regard.cli.views import print_maps
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.lens.alignment import Links
    from regard.tasks import Translation, Translator
    from regard.tasks.text.alignment import AlignmentHeads


@with_groups
def translate(
    text: Annotated[
        str | None, typer.Argument(help="What to translate. Left out: the lines of standard input.")
    ] = None,
    model: Annotated[str, typer.Option(help="A model folder, or the name of a model that ships.")] = "en-fr",
    beam: options.Beam = None,
    n_best: Annotated[
        int,
        typer.Option(
            min=1,
            help="Give this many translations, a line each: score, tab, text. Of standard input, before them "
            "the number of the line that is translated, and a tab.",
        ),
    ] = 1,
    *,
    looking: Looking,
    align: Annotated[
        bool,
        typer.Option("--align", help="After a tab, add which word is which: 0-0 2-1 …; see regard align."),
    ] = False,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Translates a text, or standard input line by line.

    One line in, one line out, in order (with --n-best several); progress goes to standard error."""
    if align and n_best > 1:
        raise UserError("--align is of the one best translation: leave out --n-best")
    looking.check_text(text, 'regard translate "…" --look')
    if text is None and not has_input():
        raise UserError('nothing to translate; give a text (regard translate "…") or a file (… < text.txt)')
    looking.check(as_json=as_json)
    from regard.tasks import load

    translator: Translator = load(model, task="translation", device=device)
    looking.check_model(translator.model)
    decoding: dict[str, Any] = {"n_best": n_best} if n_best > 1 else {}
    if beam is not None:
        decoding["beam"] = beam
    heads = heads_for(model, translator) if align else None
    if text is None:
        _stream(translator, decoding, as_json, heads)
        return
    result = translator(text, **decoding)
    maps = looking.maps(result.parts or (result,), translator.faithfulness)
    looking.save(maps, title=text)
    _print(result, as_json, n_best, _links(translator, text, result, heads))
    if not as_json:
        print_maps(maps.printed)


def _links(
    translator: "Translator", text: str, result: "Translation", heads: "AlignmentHeads | None"
) -> "Links | None":
    if heads is None:
        return None
    from regard.tasks.text.alignment import align_translation

    return align_translation(translator, text, result, heads)


def _stream(
    translator: "Translator", decoding: dict[str, Any], as_json: bool, heads: "AlignmentHeads | None"
) -> None:
    from regard.cli.progress import line_progress

    numbers = count(1)
    with line_progress("translated") as advance:
        for chunk in chunks(read_lines(sys.stdin.buffer, "standard input")):
            for text, result in zip(chunk, translator(chunk, **decoding), strict=True):
                links = _links(translator, text, result, heads)
                _print(result, as_json, decoding.get("n_best", 1), links, next(numbers))
            sys.stdout.flush()
            advance(len(chunk))


def _print(
    result: "Translation", as_json: bool, n_best: int, links: "Links | None", number: int | None = None
) -> None:
    """Prints what a text was translated to, or line `number` of several."""
    if as_json:
        print(json.dumps(_record(result, n_best, links), ensure_ascii=False))
    elif n_best > 1:
        before = "" if number is None else f"{number}\t"
        for candidate in result.n_best:
            print(f"{before}{candidate.score:.4f}\t{_line(candidate.text)}")
    else:
        line = _line(result.text)
        print(line if links is None else f"{line}\t{links}")


def _line(text: str) -> str:
    """A line break inside a text must not become two lines of output."""
    return " ".join(text.splitlines())


def _record(result: "Translation", n_best: int, links: "Links | None") -> dict[str, Any]:
    record: dict[str, Any] = {
        "text": result.text,
        "score": result.score,
        "tokens": list(result.tokens),
        "source_tokens": list(result.source_tokens),
    }
    if n_best > 1:
        record["n_best"] = [{"text": each.text, "score": each.score} for each in result.n_best]
    if links is not None:
        record["alignment"] = sorted(links.sure)
    return record

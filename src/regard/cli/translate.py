"""``regard translate``: a text, or standard input line by line."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.tasks import Translation, Translator


def translate(
    text: Annotated[
        str | None, typer.Argument(help="What to translate. Left out: the lines of standard input.")
    ] = None,
    model: Annotated[str, typer.Option(help="A model folder, or the name of a model that ships.")] = "en-fr",
    beam: options.Beam = None,
    n_best: Annotated[int, typer.Option(min=1, help="Give this many translations, with their scores.")] = 1,
    look: options.Look = None,
    at: options.At = None,
    word: options.Word = None,
    head: options.Head = None,
    subwords: options.Subwords = False,
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Translates a text, or standard input line by line.

    One line in, one line out, in order; progress goes to standard error."""
    if text is None and look is not None:
        raise UserError('--look shows one text; give it: regard translate "…" --look')
    if text is None and sys.stdin.isatty():
        raise UserError('nothing to translate; give a text (regard translate "…") or a file (… < text.txt)')
    if look is not None:
        from regard.cli.views import check_target

        check_target(look, force)
    from regard.tasks import load

    translator: Translator = load(model, task="translation", device=device)
    decoding: dict[str, Any] = {"n_best": n_best} if n_best > 1 else {}
    if beam is not None:
        decoding["beam"] = beam
    if text is None:
        _stream(translator, decoding, as_json)
        return
    result = translator(text, **decoding)
    _print(result, as_json, n_best)
    if look is not None:
        _look(result, look, at=at, word=word, head=head, subwords=subwords, quiet=as_json)


def _stream(translator: "Translator", decoding: dict[str, Any], as_json: bool) -> None:
    from regard.cli.lines import chunks, read_lines
    from regard.cli.progress import line_progress

    with line_progress("translated") as advance:
        for chunk in chunks(read_lines(sys.stdin.buffer, "standard input")):
            for result in translator(chunk, **decoding):
                _print(result, as_json, decoding.get("n_best", 1))
            sys.stdout.flush()
            advance(len(chunk))


def _print(result: "Translation", as_json: bool, n_best: int) -> None:
    if as_json:
        print(json.dumps(_record(result, n_best), ensure_ascii=False))
    elif n_best > 1:
        for candidate in result.n_best:
            print(f"{candidate.score:.4f}\t{candidate.text}")
    else:
        # A line break inside a text must not become two lines of output.
        print(" ".join(result.text.splitlines()))


def _record(result: "Translation", n_best: int) -> dict[str, Any]:
    record: dict[str, Any] = {
        "text": result.text,
        "score": result.score,
        "tokens": list(result.tokens),
        "source_tokens": list(result.source_tokens),
    }
    if n_best > 1:
        record["n_best"] = [{"text": each.text, "score": each.score} for each in result.n_best]
    return record


def _look(result: "Translation", target: str, *, word: str | None, quiet: bool, **choice: Any) -> None:
    from regard.cli.views import Choice, show_results

    show_results(result.parts or (result,), target, Choice(word=word, **choice), quiet=quiet)

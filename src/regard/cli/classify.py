"""``regard classify``: the class of a text, or of every line of standard input."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.groups import with_groups
from regard.cli.looking import Looking
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.tasks.text.classifier import Classification, Classifier


@with_groups
def classify(
    model: options.Model,
    text: Annotated[
        str | None, typer.Argument(help="What to classify. Left out: the lines of standard input.")
    ] = None,
    *,
    looking: Looking,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Says which class a text is of, and how probable that is.

    Without a text, every line of standard input is classified."""
    looking.check_text(text, 'regard classify MODEL "…" --look')
    if text is None and sys.stdin.isatty():
        raise UserError('nothing to classify; give a text: regard classify MODEL "…"')
    looking.check(as_json=as_json)
    from regard.tasks import load

    classifier: Classifier = load(model, task="text-classification", device=device)
    looking.check_model(classifier.model)
    if text is not None:
        result = classifier(text)
        maps = looking.maps([result])
        _print(result, as_json)
        looking.show(maps, quiet=as_json)
        return
    from regard.cli.lines import chunks, read_lines
    from regard.cli.progress import line_progress

    with line_progress("classified") as advance:
        for chunk in chunks(read_lines(sys.stdin.buffer, "standard input")):
            for result in classifier(chunk):
                _print(result, as_json)
            sys.stdout.flush()
            advance(len(chunk))


def _print(result: "Classification", as_json: bool) -> None:
    if as_json:
        record = {"label": result.label, "probabilities": result.probabilities}
        print(json.dumps(record, ensure_ascii=False))
    else:
        print(f"{result.label}\t{result.probabilities[result.label]:.4f}")

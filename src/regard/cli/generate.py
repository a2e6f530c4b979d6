"""``regard generate``: goes on with a text."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options

if TYPE_CHECKING:
    from regard.tasks.generator import Generator


def generate(
    model: options.Model,
    prompt: Annotated[str, typer.Argument(help="How the text begins.")] = "",
    length: Annotated[int | None, typer.Option(min=1, help="Most tokens to add. Default: 100.")] = None,
    sample: Annotated[
        bool | None,
        typer.Option("--sample/--search", help="Draw tokens, or search for the most probable text."),
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="Below 1 draws likelier tokens.")] = None,
    top_k: Annotated[
        int | None, typer.Option(min=0, help="Draw from the k likeliest tokens; 0: from all.")
    ] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw from the likeliest tokens that sum to p.")] = None,
    beam: options.Beam = None,
    n_best: Annotated[int | None, typer.Option(min=1, help="Give this many texts.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of what is drawn.")] = None,
    look: options.Look = None,
    at: options.At = None,
    head: options.Head = None,
    subwords: options.Subwords = False,
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Goes on with a text, token by token."""
    if look is not None:
        from regard.cli.views import check_target

        check_target(look, force)
    from regard.tasks import load

    generator: Generator = load(model, task="language-modelling", device=device)
    given: dict[str, Any] = {
        "sample": sample if sample is not None else (True if temperature or top_k or top_p else None),
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "beam": beam,
        "n_best": n_best,
        "seed": seed,
    }
    decoding = {name: value for name, value in given.items() if value is not None}
    result = generator(prompt, length=length, **decoding)
    for each in (result, *result.others):
        if as_json:
            record = {"text": each.text, "continuation": each.continuation, "score": each.score}
            print(json.dumps(record, ensure_ascii=False))
        else:
            print(each.text)
    if look is not None:
        from regard.cli.views import Choice, show_results

        show_results([result], look, Choice(at=at, head=head, subwords=subwords), quiet=as_json)

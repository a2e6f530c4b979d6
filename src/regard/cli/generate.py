"""``regard generate``: goes on with a text."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.groups import with_groups
from regard.cli.looking import Looking
from regard.cli.views import print_maps

if TYPE_CHECKING:
    from regard.tasks.text.generator import Generation, Generator


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen; a group of options, named as the fields of a recipe's decoding are."""

    sample: Annotated[
        bool | None,
        typer.Option("--sample/--search", help="Draw tokens, or search for the most probable text."),
    ] = None
    temperature: Annotated[float | None, typer.Option(help="Below 1 draws likelier tokens.")] = None
    top_k: Annotated[
        int | None, typer.Option(min=0, help="Draw from the k likeliest tokens; 0: from all.")
    ] = None
    top_p: Annotated[float | None, typer.Option(help="Draw from the likeliest tokens that sum to p.")] = None
    beam: options.Beam = None
    n_best: Annotated[int | None, typer.Option(min=1, help="Give this many texts.")] = None
    seed: Annotated[int | None, typer.Option(min=0, help="Of what is drawn.")] = None

    def given(self) -> dict[str, Any]:
        """What differs from the model's own; whoever says how to draw wants to draw.

        Example:
            >>> Decoding(top_k=3).given()
            {'sample': True, 'top_k': 3}
        """
        drawing = {self.temperature, self.top_k, self.top_p} != {None}
        asked = {**asdict(self), "sample": True if drawing and self.sample is None else self.sample}
        return {name: value for name, value in asked.items() if value is not None}


@with_groups
def generate(
    model: options.Model,
    prompt: Annotated[str, typer.Argument(help="How the text begins.")] = "",
    length: Annotated[int | None, typer.Option(min=1, help="Most tokens to add. Default: 100.")] = None,
    *,
    decoding: Decoding,
    looking: Looking,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Goes on with a text, token by token."""
    looking.check(as_json=as_json)
    from regard.tasks import load

    generator: Generator = load(model, task="language-modelling", device=device)
    looking.check_model(generator.model)
    result = generator(prompt, length=length, **decoding.given())
    maps = looking.maps([result], generator.faithfulness)
    looking.save(maps, title=result.text)
    for each in (result, *result.others):
        _print(each, as_json)
    if not as_json:
        print_maps(maps.printed)


def _print(result: "Generation", as_json: bool) -> None:
    if as_json:
        record = {"text": result.text, "continuation": result.continuation, "score": result.score}
        print(json.dumps(record, ensure_ascii=False))
    else:
        print(result.text)

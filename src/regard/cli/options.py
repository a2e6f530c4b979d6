"""Options that several commands share."""

from typing import Annotated

import typer

Model = Annotated[
    str, typer.Argument(help="A model folder, or the name of a model that ships.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there already.")]
Beam = Annotated[
    int | None, typer.Option(min=1, help="Hypotheses kept alive; 1 is greedy. Default: the model's.")
]
Device = Annotated[str | None, typer.Option(help="Where to compute: cpu, cuda, cuda:1, … Default: the CPU.")]
Look = Annotated[
    str | None,
    typer.Option(
        metavar="[FILE]",
        help="Show what was attended to; with a FILE (.png, .svg, .pdf, .json) save it too.",
    ),
]
At = Annotated[
    str | None, typer.Option(help="Which attention to show: a pattern over names, such as decoder.2.cross.")
]
Word = Annotated[
    str | None, typer.Option(help="Show what this word of the source attends to in the encoder.")
]
Head = Annotated[int | None, typer.Option(min=0, help="One head, instead of the mean of all.")]
Subwords = Annotated[bool, typer.Option("--subwords", help="Keep the tokens of a word apart.")]

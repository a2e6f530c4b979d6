"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str, typer.Argument(help="A model folder, or the name of a model that ships.", show_default=False)
]
LookedAt = Annotated[
    str,
    typer.Argument(
        help="A model folder, the name of a model that ships, or hf:DIR or hf:NAME of Hugging Face's.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there already.")]
Beam = Annotated[
    int | None,
    typer.Option(min=1, max=1000, help="Hypotheses kept alive; 1 is greedy. Default: the model's."),
]
Device = Annotated[str | None, typer.Option(help="Where to compute: cpu, cuda, cuda:1, … Default: the CPU.")]
Drawing = Annotated[Path, typer.Argument(help="Where to: .png, .svg or .pdf.", show_default=False)]
OnePicture = Annotated[Path, typer.Argument(help="A picture.", show_default=False)]

"""The ``regard`` command: its sub-commands, put together."""

from typing import Annotated

import typer

from regard.cli import (
    align,
    classify,
    compare,
    data,
    denoise,
    detect,
    doctor,
    evaluate,
    generate,
    heads,
    look,
    segment,
    serve,
    train,
    translate,
)

app = typer.Typer(
    name="regard",
    help="Train, run and look inside attention models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"regard {version('regard')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Train, run and look inside attention models."""


app.command("translate")(translate.translate)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("align")(align.align)
app.command("heads")(heads.heads)
app.command("generate")(generate.generate)
app.command("classify")(classify.classify)
app.command("segment")(segment.segment)
app.command("denoise")(denoise.denoise)
app.command("detect")(detect.detect)
app.command("serve")(serve.serve)
app.add_typer(data.app, name="data")
app.add_typer(look.app, name="look")
app.command("doctor")(doctor.doctor)

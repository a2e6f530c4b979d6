"""``regard serve``: models behind HTTP."""

from typing import Annotated

import typer

from regard.cli import options


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Model folders, or names of models that ship; name=FOLDER gives one a name. Left out: all "
            "that ship.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 127.0.0.1 is this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes one that is free.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A host name that the server goes by, beside localhost and addresses in numbers."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Requests that a model answers together.")] = 32,
    queue: Annotated[int, typer.Option(min=1, help="Requests that wait for one model.")] = 128,
    seconds: Annotated[float, typer.Option(min=0.1, max=86_400, help="From a request to its answer.")] = 60.0,
    megabytes: Annotated[int, typer.Option(min=1, help="Of one request.")] = 16,
    megapixels: Annotated[float, typer.Option(min=0.001, max=1000, help="Of one picture.")] = 4.0,
    characters: Annotated[int, typer.Option(min=1, help="Of one text.")] = 10_000,
    device: options.Device = None,
) -> None:
    """Serves models over HTTP, with a web page, to this machine alone unless another --host is named.

    Prints its address when it listens: open it in a browser. /openapi.json describes what programs may ask,
    /metrics has its figures. Ctrl-C, or a polite kill, ends it when what was asked is answered."""
    from regard import server

    limits = server.Limits(
        batch=batch,
        places=queue,
        seconds=seconds,
        body=megabytes << 20,
        held=max(server.Limits.held, 2 * (megabytes << 20)),
        pixels=int(megapixels * (1 << 20)),
        characters=characters,
        stream_characters=max(server.Limits.stream_characters, characters),
    )
    from regard.server.served import names_of
    from regard.tasks import shipped_models

    found = names_of(models) if models else {name: str(path) for name, path in shipped_models().items()}
    app = server.create_app(found, limits, names=allow_host or (), device=device)
    server.serve(app, host, port, limits=limits)

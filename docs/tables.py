"""Parts of the documentation that are made from the code, so that they are never out of date."""

import typer
from typer.testing import CliRunner

from regard.cli.app import app
from regard.cli.doctor import kernel_rows


def on_page_markdown(markdown: str, **_: object) -> str:
    """Puts made parts where a page asks for them."""
    for mark, make in (("<!-- kernels -->", kernels), ("<!-- commands -->", commands)):
        if mark in markdown:
            markdown = markdown.replace(mark, make())
    return markdown


def kernels() -> str:
    """The table of kernels on a CPU and on a GPU."""
    parts = []
    for device, name in (("cpu", "On a CPU"), ("cuda", "On a CUDA GPU")):
        head, *rows = kernel_rows(device)
        lines = [head, ["---"] * len(head), *rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"## {name}\n\n{table}")
    return "\n\n".join(parts)


def commands() -> str:
    """The help of every command."""
    names = [[info.name] for info in app.registered_commands]
    for group in app.registered_groups:
        inner = group.typer_instance
        assert isinstance(inner, typer.Typer)
        names += [[group.name, info.name or info.callback.__name__] for info in inner.registered_commands]
    return "\n\n".join(_help([str(part) for part in name]) for name in names)


def _help(command: list[str]) -> str:
    shown = CliRunner().invoke(app, [*command, "--help"], prog_name="regard", terminal_width=100)
    return f"## `regard {' '.join(command)}`\n\n```text\n{shown.output.strip()}\n```"

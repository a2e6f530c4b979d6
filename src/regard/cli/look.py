"""``regard look``: what a model attends to, how far it looks, what its parts carry. A file for each view."""

from collections.abc import Sequence

import typer

from regard.cli import (
    look_attention,
    look_distance,
    look_faithfulness,
    look_heads,
    look_latent,
    look_positions,
    look_relevance,
    look_skips,
    look_words,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Look inside a model: attention, what heads do, positions, embeddings; how far it looks, skips, "
    "latent. regard look MODEL INPUT… is short for regard look attention MODEL INPUT…; a model folder "
    "that is called as a command is, is ./NAME.",
)
app.command("attention")(look_attention.attention)
app.command("relevance")(look_relevance.relevance)
app.command("faithfulness")(look_faithfulness.faithfulness)
app.command("heads")(look_heads.heads)
app.command("positions")(look_positions.positions)
app.command("neighbours")(look_words.neighbours)
app.command("embeddings")(look_words.embeddings)
app.command("distance")(look_distance.distance)
app.command("skips")(look_skips.skips)
app.command("latent")(look_latent.latent)


def with_attention(arguments: Sequence[str]) -> list[str]:
    """Lets ``regard look MODEL …`` stand for ``regard look attention MODEL …``.

    Example:
        >>> with_attention(["look", "en-fr", "The cat."])
        ['look', 'attention', 'en-fr', 'The cat.']
        >>> with_attention(["look", "positions", "en-fr", "p.png"])
        ['look', 'positions', 'en-fr', 'p.png']
    """
    given = list(arguments)
    views = {command.name for command in app.registered_commands}
    if given[:1] != ["look"] or len(given) < 2 or given[1] in {*views, "-h", "--help"}:
        return given
    return ["look", "attention", *given[1:]]

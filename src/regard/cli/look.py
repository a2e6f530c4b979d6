"""``regard look``: what a model attends to, how far it looks, what its parts carry. A file for each view."""

import typer

from regard.cli import (
    look_attention,
    look_distance,
    look_latent,
    look_positions,
    look_skips,
    look_words,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Look inside a model: attention, positions, embeddings; how far it looks, skips, latent.",
)
app.command("attention")(look_attention.attention)
app.command("positions")(look_positions.positions)
app.command("neighbours")(look_words.neighbours)
app.command("embeddings")(look_words.embeddings)
app.command("distance")(look_distance.distance)
app.command("skips")(look_skips.skips)
app.command("latent")(look_latent.latent)

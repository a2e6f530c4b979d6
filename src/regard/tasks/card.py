"""The model card: what a model is, what it learnt from, how good it is and where it fails."""

from collections.abc import Mapping
from typing import Any

from regard.data.catalogue import named
from regard.tasks.recipe import Recipe

_CREDITS = "## Data and credits"


def model_card(
    recipe: Recipe, metrics: Mapping[str, Any], *, parameters: int, start: str | None = None
) -> str:
    """The text of a model folder's README.md.

    Args:
        recipe: the model was trained by it.
        metrics: as in metrics.json.
        parameters: how many numbers were learnt.
        start: the card of the model that training began from, whose credits go on.
    """
    model = recipe.model
    sections = [
        f"# {_title(recipe)}",
        f"A model for {recipe.task.replace('-', ' ')}, trained with Regard: {_network(recipe)}, "
        f"width {model.width}, {parameters:,} parameters, stored as {recipe.weights}.",
        "## Figures\n\n" + _figures(metrics),
        f"{_CREDITS}\n\n{_credits(recipe)}" + ("" if start is None else _inherited(recipe, start)),
        "## Limits\n\n"
        "It has seen nothing but the data above, in pieces of at most "
        f"{recipe.data.filters.max_length} tokens; on other kinds of text it is worse than the figures say. "
        "It may repeat mistakes and prejudices of its data. Check what matters.",
        '## Use\n\n```python\nimport regard\n\nmodel = regard.load("path/of/this/folder")\n```\n\n'
        "`recipe.toml` is the whole recipe; `SHA256SUMS` holds the hash of every file, checked on loading.",
    ]
    return "\n\n".join(sections) + "\n"


def _title(recipe: Recipe) -> str:
    if recipe.task != "translation":
        return recipe.task.replace("-", " ").capitalize()
    return f"Translation: {recipe.data.source or 'source'} to {recipe.data.target or 'target'}"


def _network(recipe: Recipe) -> str:
    model = recipe.model
    encoder = f"{model.encoder_depth}-layer {model.encoder} encoder"
    decoder = f"{model.decoder_depth}-layer {model.decoder} decoder"
    if recipe.task == "classification":
        return encoder
    if recipe.task == "language-modelling":
        return decoder
    attention = "no attention" if model.attention == "none" else f"{model.attention.score} attention"
    return f"{encoder}, {decoder}, {attention}"


def _figures(metrics: Mapping[str, Any]) -> str:
    rows = ["| data | figure | value |", "|---|---|---|"]
    for split, figures in metrics.items():
        if isinstance(figures, Mapping):
            rows += [f"| {split} | {name} | {value} |" for name, value in figures.items() if _plain(value)]
    signatures = metrics.get("signatures", {})
    notes = [f"- {name}: `{signature}`" for name, signature in signatures.items()] if signatures else []
    return "\n".join(rows) + ("\n\n" + "\n".join(notes) if notes else "")


def _plain(value: object) -> bool:
    return isinstance(value, int | float)


def _credits(recipe: Recipe) -> str:
    if not recipe.data.sets:
        return f"Files of the user's own: {recipe.data.train}."
    lines = []
    for name in recipe.data.sets:
        about = named(name)
        lines.append(
            f"- **{name}**: {about.about}. Licence: {about.licence}. Credit: {about.citation}. {about.home}"
        )
        if not about.may_ship:
            lines.append(f"  *The terms of {name} do not allow a model trained on it to be passed on.*")
    return "\n".join(lines)


def _inherited(recipe: Recipe, card: str) -> str:
    """The credits in the card of the model that training began from."""
    _, _, after = card.partition(f"{_CREDITS}\n\n")
    credits, _, _ = after.partition("\n\n## ")
    began = f"Training began from the weights of `{recipe.start}`, which had learnt from:"
    return f"\n\n{began}\n\n{credits.strip()}"

"""The model card: what a model is, what it learnt from, how good it is and where it fails."""

from collections.abc import Mapping
from typing import Any

from regard.data.catalogue import named
from regard.tasks.recipe import About, Recipe

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
    about = recipe.about
    sections = [
        f"# {about.title}",
        f"A model for {recipe.task.replace('-', ' ')}, trained with Regard: {about.network}, "
        f"{parameters:,} parameters, stored as {recipe.weights}.",
        "## Figures\n\n" + _figures(metrics),
        f"{_CREDITS}\n\n{_credits(about)}" + ("" if start is None else _inherited(recipe, start)),
        "## Limits\n\n"
        f"It has seen nothing but the data above, {about.seen}; on other data it is worse than the figures "
        "say. "
        "It may repeat mistakes and prejudices of its data. Check what matters.",
        '## Use\n\n```python\nimport regard\n\nmodel = regard.load("path/of/this/folder")\n```\n\n'
        "`recipe.toml` is the whole recipe; `SHA256SUMS` holds the hash of every file, checked on loading.",
    ]
    return "\n\n".join(sections) + "\n"


def _figures(metrics: Mapping[str, Any]) -> str:
    rows = ["| data | figure | value |", "|---|---|---|"]
    for split, figures in metrics.items():
        if isinstance(figures, Mapping):
            rows += [
                f"| {split} | {name} | {_rounded(value)} |"
                for name, value in figures.items()
                if isinstance(value, int | float)
            ]
    signatures = metrics.get("signatures", {})
    notes = [f"- {name}: `{signature}`" for name, signature in signatures.items()] if signatures else []
    return "\n".join(rows) + ("\n\n" + "\n".join(notes) if notes else "")


def _rounded(value: float) -> str:
    """Four digits where it is not a count; metrics.json has them all."""
    return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"


def _credits(about: About) -> str:
    own = f"Files of the user's own: {', '.join(about.files)}."
    if not about.sets:
        return own
    lines = []
    for name in about.sets:
        known = named(name)
        lines.append(
            f"- **{name}**: {known.about}. Licence: {known.licence}. Credit: {known.citation}. {known.home}"
        )
        if not known.may_ship:
            lines.append(f"  *The terms of {name} do not allow a model trained on it to be passed on.*")
    return "\n".join([*lines, f"- {own}"] if about.files else lines)


def _inherited(recipe: Recipe, card: str) -> str:
    """The credits in the card of the model that training began from."""
    _, _, after = card.partition(f"{_CREDITS}\n\n")
    credits, _, _ = after.partition("\n\n## ")
    began = f"Training began from the weights of `{recipe.start}`, which had learnt from"
    if recipe.keep:
        began = f"{recipe.keep:.0%} of the weights, in the mean, are those that training began from. {began}"
    credits, ours = credits.strip(), _credits(recipe.about)
    if credits.startswith(ours):
        return f"\n\n{began} the same.{credits.removeprefix(ours)}"
    return f"\n\n{began}:\n\n{credits}"

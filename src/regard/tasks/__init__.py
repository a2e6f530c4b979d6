"""Tasks: what binds data, model, loss, metric and prediction together."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.tasks.evaluation import evaluate
    from regard.tasks.explanation import Explanation, explain
    from regard.tasks.folder import load_folder, save_model
    from regard.tasks.layout import shipped_models
    from regard.tasks.predictors import load
    from regard.tasks.recipe import Recipe, load_recipe, parse_recipe
    from regard.tasks.run import train
    from regard.tasks.text.translator import Translation, Translator

# Loaded when asked for: a command imports what it needs and no more.
_HOMES = {
    "Explanation": "explanation",
    "Recipe": "recipe",
    "Translation": "text.translator",
    "Translator": "text.translator",
    "evaluate": "evaluation",
    "explain": "explanation",
    "load": "predictors",
    "load_folder": "folder",
    "load_recipe": "recipe",
    "parse_recipe": "recipe",
    "save_model": "folder",
    "shipped_models": "layout",
    "train": "run",
}

__all__ = [
    "Explanation",
    "Recipe",
    "Translation",
    "Translator",
    "evaluate",
    "explain",
    "load",
    "load_folder",
    "load_recipe",
    "parse_recipe",
    "save_model",
    "shipped_models",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""From a model folder, or the name of a model that ships, to what predicts with it."""

from pathlib import Path
from typing import Any

from regard.tasks.folder import load_folder
from regard.tasks.kinds import KINDS


def load(path_or_name: str | Path, *, task: str | None = None, **options: Any) -> Any:
    """Load a model and return the predictor of its task.

    Args:
        path_or_name: a model folder, or the name of a model that ships.
        task: refuse a model of another task.
        **options: of the predictor: ``device``, ``precision``.

    Raises:
        regard.tasks.layout.ModelFolderError: no such model; a file missing, truncated or altered; another
            task.

    Example:
        >>> load("no-such-model")
        Traceback (most recent call last):
        ...
        regard.tasks.layout.ModelFolderError: no-such-model: neither a model folder nor a model ...
    """
    folder = load_folder(path_or_name, task=task)
    return KINDS[folder.recipe.task].predictor.from_folder(folder, **options)

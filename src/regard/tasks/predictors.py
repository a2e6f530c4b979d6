"""From a model folder, or the name of a model that ships, to what predicts with it."""

from pathlib import Path
from typing import Any

from regard.tasks.explanation.places import known_places
from regard.tasks.folder import ModelFolder, load_folder
from regard.tasks.kinds import KINDS
from regard.tasks.layout import ModelFolderError
from regard.tasks.predictor import Predictor

FOREIGN = "hf:"
"""What stands before a folder or a name of Hugging Face's models."""


def load(path_or_name: str | Path, *, task: str | None = None, **options: Any) -> Any:
    """Load a model and return the predictor of its task.

    Args:
        path_or_name: a model folder, or the name of a model that ships; ``hf:DIR`` or ``hf:NAME`` is a model
            of Hugging Face, which can be looked at.
        task: refuse a model of another task.
        **options: of the predictor: ``device``, ``precision``; of a model of Hugging Face ``device``.

    Raises:
        regard.tasks.layout.ModelFolderError: no such model; a file missing, truncated or altered; another
            task.

    Example:
        >>> load("no-such-model")
        Traceback (most recent call last):
        ...
        regard.tasks.layout.ModelFolderError: no-such-model: neither a model folder nor a model ...
    """
    if str(path_or_name).startswith(FOREIGN):
        if task is not None:
            raise ModelFolderError(
                f"{path_or_name}: models of Hugging Face can be looked at (regard look); a model for {task} "
                "is needed"
            )
        from regard.tasks.foreign import load_foreign

        return load_foreign(str(path_or_name).removeprefix(FOREIGN), **options)
    return predictor_of(load_folder(path_or_name, task=task), **options)


def predictor_of(folder: ModelFolder, **options: Any) -> Predictor[Any]:
    """The predictor that a checked model folder holds, with what is known of its maps.

    Args:
        folder: see `regard.tasks.folder.load_folder`.
        **options: of the predictor.

    Raises:
        regard.tasks.layout.ModelFolderError: the weights do not fit the recipe, or figures are damaged.
    """
    predictor = KINDS[folder.recipe.task].predictor.from_folder(folder, **options)
    predictor.faithfulness = known_places(predictor, folder)
    return predictor

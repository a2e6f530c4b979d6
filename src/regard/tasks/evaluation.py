"""How good a model is on data with known answers."""

from inspect import signature
from pathlib import Path
from typing import Any

from regard.data.catalogue import SETS
from regard.errors import UserError
from regard.tasks.kinds import KINDS
from regard.tasks.predictor import Predictor
from regard.tasks.talk import Each, untold

# Where data is: a named set, a file or folder, or two aligned files; None: the recipe's own test data.
Where = str | Path | tuple[str | Path, str | Path] | None


def evaluate(
    predictor: Predictor[Any], data: Where = None, split: str = "test", *, each: Each = untold, **options: Any
) -> dict[str, Any]:
    """Score a model.

    Args:
        predictor: what `regard.load` gave.
        data: a named set; a file, of images a folder; for a translator two aligned files. None is the test
            data of the recipe that the model was trained by.
        split: which part of a named set.
        each: is told how many are done, and of how many: sentences or pictures, or batches of them.
        **options: of predicting, such as ``beam=1`` of a translator.

    Returns:
        ``data``, the name of what was read, and the figures of the task.

    Raises:
        UserError: data that is not there or does not suit the task; an option that it does not have.

    Example::

        evaluate(regard.load("en-fr"), "tatoeba-en-fr")["bleu"]
    """
    if not isinstance(predictor, Predictor):
        raise UserError("a model of another library is looked into, not evaluated: regard look hf:… INPUT")
    score = KINDS[predictor.task].evaluate
    try:
        signature(score).bind(predictor, data, split, each=each, **options)
    except TypeError as error:
        raise UserError(f"a model for {predictor.task} is not evaluated so: {error}") from None
    return score(predictor, data, split, each=each, **options)


def names_set(data: str | Path) -> bool:
    """Whether the name of a set is meant, not of a file or folder; one that is called so is ``./NAME``.

    Example:
        >>> names_set("multi30k"), names_set("./multi30k.tsv")
        (True, False)
    """
    return data in SETS or not (Path(data).suffix or Path(data).exists())

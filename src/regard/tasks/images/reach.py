"""How far the layers of a trained model of pictures look."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from regard.data.images.splits import pictures_of
from regard.lens.reach import Reach, attention_reach, field_reach
from regard.models.images.vit import VisionTransformer
from regard.tasks.images.evaluation import data_of
from regard.tasks.images.inputs import Given
from regard.tasks.images.predictor import PicturePredictor
from regard.tasks.kinds import KINDS

T = TypeVar("T")


def reach_of(predictor: PicturePredictor[Any, Any], pictures: Sequence[Given], name: str) -> Reach:
    """How far each layer looks: a Vision Transformer by attention, a convolutional network by its fields.

    Args:
        predictor: of any task of pictures.
        pictures: what it looks at, made into what the network reads.
        name: of the model.

    Raises:
        DataError: a picture that cannot be read.
        ValueError: no pictures.

    Example::

        reach_of(regard.load("digits"), ["seven.png"], "digits").layers
    """
    if isinstance(predictor.model, VisionTransformer):
        return attention_reach(name, (predictor(picture).attention for picture in pictures))
    images = [predictor(picture).image for picture in pictures]
    return field_reach(name, predictor.model, images)


def some_pictures(
    predictor: PicturePredictor[Any, Any], data: str | Path | None, split: str, count: int
) -> list[Given]:
    """Pictures of a split, evenly spread over it.

    Args:
        predictor: its recipe says how data is read, and is what is read where `data` is None.
        data: a named set, or a folder as the model's task has them.
        split: of a named set.
        count: the most to give.

    Raises:
        UserError: data that is not there, or no pictures in it.
    """
    recipe: Any = predictor.recipe
    config = data_of(recipe.data, data, split)
    if config.name is not None:
        found = pictures_of(config, split, "plain")
    else:
        task: Any = KINDS[predictor.task].task
        found = pictures_of(config, split, task.layout)
    with found.opening() as load:
        return [load(example).pixels for example in evenly(found.examples, count)]


def evenly(items: Sequence[T], count: int) -> list[T]:
    """At most so many of several, evenly spread.

    Example:
        >>> evenly("abcdefg", 3)
        ['a', 'd', 'g']
    """
    places = np.linspace(0, len(items) - 1, min(count, len(items)))
    return [items[place] for place in places.round().astype(int)]

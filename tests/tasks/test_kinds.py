"""Every task is whole."""

import pytest

from regard.tasks.kinds import KINDS
from regard.tasks.predictor import Predictor
from regard.tasks.recipe import Recipe


@pytest.mark.parametrize("task", KINDS)
def test_a_task_is_what_its_kind_says(task: str) -> None:
    kind = KINDS[task]
    assert issubclass(kind.recipe, Recipe)
    assert task in str(kind.recipe.model_fields["task"].annotation)
    assert issubclass(kind.predictor, Predictor)
    assert kind.predictor.task == task
    assert callable(kind.task.prepare)
    assert callable(kind.evaluate)

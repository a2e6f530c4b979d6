"""What the predictors of all tasks share: a model, the recipe that it was trained by, and where it runs."""

from abc import ABC, abstractmethod
from copy import copy
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

import torch
from torch import nn

from regard.errors import UserError
from regard.lens.faithfulness import PlaceFigures
from regard.tasks.device import usable_device
from regard.tasks.folder import ModelFolder
from regard.tasks.recipe import Recipe
from regard.tasks.seeded import seeded

Precision = Literal["float32", "bf16"]
Model = TypeVar("Model", bound=nn.Module)


class Predictor(ABC, Generic[Model]):
    """A trained model that predicts.

    Args:
        model: with its weights; moved to `device`.
        recipe: that the model was trained by.
        device: None leaves the model where it is.
        precision: of the weights, and of what is computed with them.

    Attributes:
        task: its name, as recipes have it.
        faithfulness: what its model folder holds of how faithful the maps of each place are.

    Raises:
        UserError: no such device or precision.
    """

    task: ClassVar[str]

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        *,
        device: torch.device | str | None = None,
        precision: Precision = "float32",
    ) -> None:
        self.model = _placed(model, device, precision)
        self.recipe = recipe
        self.faithfulness = PlaceFigures()

    @classmethod
    @abstractmethod
    def from_folder(cls, folder: ModelFolder, **options: Any) -> Self:
        """The predictor that a checked model folder holds.

        Raises:
            ModelFolderError: the weights do not fit the recipe.
        """

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    def untrained(self) -> Self:
        """This predictor with the weights that its training began with, which follow from the recipe's seed.

        Where the recipe has a `start`, training began from that model's weights instead; these are random.
        """
        beginner = copy(self)
        with seeded(self.recipe.seed):
            beginner.model = self._new_model().eval()
        beginner.faithfulness = PlaceFigures()
        return beginner

    @abstractmethod
    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """What the model makes of one input, or a list of that for several."""

    @abstractmethod
    def _new_model(self) -> Model:
        """A model of this shape with random weights."""


def _placed(model: Model, device: torch.device | str | None, precision: Precision) -> Model:
    if precision not in ("float32", "bf16"):
        raise UserError(f"precision {precision!r}: there are float32 and bf16")
    if precision == "bf16":
        model = model.to(torch.bfloat16)
    if device is None:
        return model
    place = usable_device(device)
    try:
        return model.to(place)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device {str(device)!r} cannot be used: {error}") from None

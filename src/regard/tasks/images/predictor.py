"""What the predictors of pictures share: one picture or several, as files or as pixels."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, Self, TypeVar, overload

import torch
from torch import Tensor

from regard.models.images.normalise import Normalise
from regard.nn.convolution import lay_out_weights
from regard.nn.freed_memory import keep_freed_memory
from regard.tasks.images.inputs import Given, is_one, listed
from regard.tasks.predictor import Model, Precision, Predictor
from regard.tasks.recipe import Recipe

Result = TypeVar("Result")


class PicturePredictor(Predictor[Model], Generic[Model, Result]):
    """A predictor that reads pictures.

    Args:
        model: with its weights, which are laid out for inference; moved to `device`.
        recipe: that the model was trained by.
        device: None leaves the model where it is.
        precision: of the weights, and of what is computed with them.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        *,
        device: torch.device | str | None = None,
        precision: Precision = "float32",
    ) -> None:
        super().__init__(model, recipe, device=device, precision=precision)
        lay_out_weights(self.model)

    def untrained(self) -> Self:
        """See `regard.tasks.predictor.Predictor`; what pictures are normalised by was known beforehand."""
        beginner = super().untrained()
        for fresh, own in zip(beginner.model.modules(), self.model.modules(), strict=True):
            if isinstance(fresh, Normalise):
                fresh.load_state_dict(own.state_dict())
        return beginner

    @overload
    def __call__(self, pictures: Given) -> Result: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, pictures: Iterable[Given]) -> list[Result]: ...
    @torch.no_grad()
    def __call__(self, pictures: Given | Iterable[Given]) -> Result | list[Result]:
        """What the network makes of a picture, or of several, in their order.

        Args:
            pictures: a file or pixels, or several; see `regard.tasks.images.inputs.Given`.

        Raises:
            DataError: a picture that cannot be read.
        """
        keep_freed_memory()
        made = self._predicted(listed(pictures))
        return made[0] if is_one(pictures) else made

    @abstractmethod
    def _predicted(self, pictures: Sequence[Given]) -> list[Result]:
        """A result for each."""

    def _placed(self, image: Tensor) -> Tensor:
        """An image where the network is, in its precision."""
        return image.to(next(self.model.parameters()))

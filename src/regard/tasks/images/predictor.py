"""What the predictors of pictures share: one picture or several, as files or as pixels."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar, overload

import torch
from torch import Tensor

from regard.tasks.images.inputs import Given, is_one, listed
from regard.tasks.predictor import Model, Predictor

Result = TypeVar("Result")


class PicturePredictor(Predictor[Model], Generic[Model, Result]):
    """A predictor that reads pictures."""

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
        made = self._predicted(listed(pictures))
        return made[0] if is_one(pictures) else made

    @abstractmethod
    def _predicted(self, pictures: Sequence[Given]) -> list[Result]:
        """A result for each."""

    def _placed(self, image: Tensor) -> Tensor:
        """An image where the network is, in its precision."""
        return image.to(next(self.model.parameters()))

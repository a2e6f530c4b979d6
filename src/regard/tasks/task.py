"""What a task has beside what the trainer needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from rich.console import Console
from torch import nn

from regard.data.text.tokenizer import Tokenizer
from regard.training.trainable import Trainable


class Task(Trainable, Protocol):
    """Data, model, loss and metric, bound together by a recipe."""

    @classmethod
    def prepare(cls, recipe: Any, folder: Path, console: Console | None = None) -> Self:
        """Read the data and lay it down in a folder as training reads it; what is there is used again.

        Args:
            recipe: of this task.
            folder: for the data.
            console: where progress is shown; None is silent.

        Raises:
            UserError: the data cannot be used.
        """

    def build(self) -> nn.Module:
        """A model with fresh weights, a function of the recipe's seed."""

    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """The tokenizers by the names that a model folder gives them."""

    def facts(self) -> dict[str, Any]:
        """What metrics.json says of the data."""

    def evaluate(self, model: nn.Module, console: Console | None) -> dict[str, Any]:
        """Figures of the finished model on the test split (else the validation split).

        Also those of the ``validation`` that are others since training, where finishing changes the model.
        """

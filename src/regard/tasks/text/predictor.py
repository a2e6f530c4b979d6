"""What the predictors of text tasks share."""

from abc import abstractmethod

from torch import Tensor

from regard.data.text.tokenizer import Tokenizer
from regard.tasks.predictor import Model, Predictor
from regard.tasks.text.recipe import TextRecipe


class TextPredictor(Predictor[Model]):
    """A predictor that reads tokens."""

    recipe: TextRecipe

    @abstractmethod
    def embedding(self, side: str = "source") -> tuple[Tokenizer, Tensor]:
        """The tokenizer of a side, "source" or "target", and its tokens' vectors, [tokens, width].

        Raises:
            UserError: another side.
        """

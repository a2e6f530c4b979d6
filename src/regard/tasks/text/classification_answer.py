"""The class of a text, to be asked for again."""

from collections.abc import Sequence

import torch
from torch import Tensor

from regard.data.text.batches import collate_labelled
from regard.data.text.tokenizer import Tokenizer
from regard.lens import Tokens
from regard.lens.relevance.step import Side
from regard.models.text.classifier import TextClassifier
from regard.tasks.explanation.answer import Answer, log_odds
from regard.tasks.text.axes import token_axis
from regard.tasks.text.shortened import shortened


class ClassificationAnswer(Answer):
    """A class, read from the state of [CLS].

    Args:
        model: that chose it.
        tokenizer: of the text.
        ids: of the text.
        label: the class's name.
        number: which of the model's outputs it is.
    """

    def __init__(
        self, model: TextClassifier, tokenizer: Tokenizer, ids: list[int], label: str, number: int
    ) -> None:
        self.model: TextClassifier = model
        self.ids, self.number = ids, number
        self.said = Tokens((label,))
        self.read = {"target": token_axis(tokenizer, ids, before="[CLS]", after="[SEP]")}
        self.states = torch.zeros(1, len(ids) + 2)
        self.states[0, 0] = 1.0

    def scores(self, answers: Sequence[int]) -> Tensor:
        """See `Answer`."""
        logits = self._logits([self.ids])
        return log_odds(logits, torch.tensor([self.number], device=logits.device))

    def parts(self, side: Side) -> Tensor:
        """All tokens but [CLS] and [SEP]."""
        parts = torch.ones(1, len(self.ids) + 2, dtype=torch.bool)
        parts[:, [0, -1]] = False
        return parts

    def without(self, side: Side, gone: Tensor, asked: Tensor) -> Tensor:
        """See `Answer`."""
        logits = self._logits(shortened(self.ids, gone[:, 1:-1]))
        return logits.softmax(-1)[:, self.number, None]

    def _logits(self, texts: list[list[int]]) -> Tensor:
        batch = collate_labelled(texts, [0] * len(texts)).to(self.model.output.weight.device)
        logits: Tensor = self.model(batch.inputs, batch.mask)
        return logits.float()

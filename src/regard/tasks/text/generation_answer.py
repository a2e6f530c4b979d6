"""A continued text that can be asked for again."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.data.text.tokenizer import Tokenizer
from regard.lens.relevance.step import Side
from regard.models.text.language_model import LanguageModel
from regard.tasks.explanation.answer import Answer, log_odds
from regard.tasks.text.axes import token_axis
from regard.tasks.text.shortened import last_kept, padded, read_out, shortened


class GenerationAnswer(Answer):
    """The tokens that a language model added, each from all before it.

    Args:
        model: that wrote them.
        tokenizer: of the text.
        ids: of the whole text, its begin included.
        prompt: how many of them were given.
    """

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, ids: list[int], prompt: int) -> None:
        self.model: LanguageModel = model
        self.written = ids[prompt:]
        self.known = ids[:-1]
        self.first = prompt - 1  # the state from which the first was read
        self.said = token_axis(tokenizer, self.written)
        self.read = {"target": token_axis(tokenizer, self.known[1:], before="<s>")}
        self.states = F.one_hot(torch.arange(self.first, len(self.known)), len(self.known)).float()

    def scores(self, answers: Sequence[int]) -> Tensor:
        """See `Answer`."""
        tokens = torch.tensor(self.known, device=self._device).expand(len(answers), -1)
        states = self.model(tokens).states
        read = states[torch.arange(len(answers)), torch.tensor(answers) + self.first]
        written = torch.tensor([self.written[one] for one in answers], device=self._device)
        return log_odds(self.model.logits(read).float(), written)

    def parts(self, side: Side) -> Tensor:
        """All tokens before each, but the mark of the begin."""
        positions = torch.arange(len(self.known))
        return (positions > 0) & (positions <= positions[self.first :, None])

    def without(self, side: Side, gone: Tensor, asked: Tensor) -> Tensor:
        """See `Answer`."""
        tokens = padded(shortened(self.known, gone), Tokenizer.pad).to(self._device)
        states = self.model(tokens).states
        return read_out(self.model.logits, states, last_kept(gone)[:, self.first :], self.written, asked)

    @property
    def _device(self) -> torch.device:
        return self.model.output.weight.device

"""A translation that can be asked for again."""

from collections.abc import Sequence

import torch
from torch import Tensor

from regard.data.text.batches import collate_pairs, collate_sources
from regard.data.text.tokenizer import Tokenizer
from regard.lens.relevance.step import Side
from regard.models.text.encoder_decoder import EncoderDecoder
from regard.tasks.explanation.answer import Answer, log_odds
from regard.tasks.text.axes import token_axis
from regard.tasks.text.shortened import last_kept, padded, read_out, shortened
from regard.tasks.text.vocabularies import Vocabularies


class TranslationAnswer(Answer):
    """The tokens of a translation, its end included, each from the source and the tokens before it.

    Args:
        model: that wrote it.
        vocabularies: of both languages.
        source: ids that it read, without the end.
        target: ids that it wrote, without the end.
    """

    def __init__(
        self, model: EncoderDecoder, vocabularies: Vocabularies, source: list[int], target: list[int]
    ) -> None:
        self.model: EncoderDecoder = model
        self.source, self.target = source, target
        self.written = [*target, Tokenizer.eos]
        self.known = [Tokenizer.bos, *target]
        self.said = token_axis(vocabularies.target, target, after="</s>")
        self.read = {
            "source": token_axis(vocabularies.source, source, after="</s>"),
            "target": token_axis(vocabularies.target, target, before="<s>"),
        }
        self.states = torch.eye(len(self.written))

    def scores(self, answers: Sequence[int]) -> Tensor:
        """See `Answer`."""
        batch = collate_pairs([self.source] * len(answers), [self.target] * len(answers)).to(self._device)
        states = self.model(batch.source, batch.source_mask, batch.target_in).states
        chosen = torch.tensor(answers, device=self._device)
        rows = torch.arange(len(answers), device=self._device)
        return log_odds(self.model.logits(states[rows, chosen]).float(), batch.target_out[rows, chosen])

    def parts(self, side: Side) -> Tensor:
        """Tokens of the source; of the target those that had been written; no mark of begin or end."""
        if side == "source":
            return (torch.arange(len(self.source) + 1) < len(self.source)).expand(len(self.written), -1)
        parts = torch.ones(len(self.written), len(self.written), dtype=torch.bool).tril()
        parts[:, 0] = False
        return parts

    def without(self, side: Side, gone: Tensor, asked: Tensor) -> Tensor:
        """See `Answer`."""
        away = torch.zeros(len(gone), len(self.known), dtype=torch.bool) if side == "source" else gone
        sources = shortened(self.source, gone[:, :-1]) if side == "source" else [self.source] * len(gone)
        source, mask = (x.to(self._device) for x in collate_sources(sources))
        target = padded(shortened(self.known, away), Tokenizer.pad).to(self._device)
        states = self.model(source, mask, target).states
        return read_out(self.model.logits, states, last_kept(away), self.written, asked)

    @property
    def _device(self) -> torch.device:
        return self.model.output.weight.device

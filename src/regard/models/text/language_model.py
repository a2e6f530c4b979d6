"""A decoder on its own: each token from those before it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.models.text.cache import Cache
from regard.models.text.memory import Decoded
from regard.models.text.parts import Decoder, begin_writing
from regard.nn.embedding import Embedding


class LanguageModel(nn.Module):
    """Tokens to states of the next tokens, all at once or step by step.

    Built by :func:`regard.models.build_language_model`.

    Args:
        embedding: of tokens.
        decoder: a decoder without a source.
        output: states to logits; its weight may be the embedding's.
        max_length: longest text in tokens; `None` if there is no limit.

    Example:
        >>> from regard.models.text import ModelConfig, build_language_model
        >>> model = build_language_model(ModelConfig(width=8, heads=2, layers=1), 20, pad=0).eval()
        >>> cache = model.start(batch=1, max_length=10)
        >>> states = model.prefill(torch.tensor([[2, 7, 8]]), cache)
        >>> model.logits(model.step(torch.tensor([9]), cache)).shape, cache.length
        (torch.Size([1, 20]), 4)
    """

    def __init__(
        self, embedding: Embedding, decoder: Decoder, output: nn.Linear, max_length: int | None
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.decoder = decoder
        self.output = output
        self.max_length = max_length

    def forward(self, tokens: Tensor, mask: Tensor | None = None, documents: Tensor | None = None) -> Decoded:
        """States [batch, length, width] of tokens [batch, length].

        Args:
            tokens: texts, padded at the end.
            mask: [batch, length], True for real tokens. No token looks ahead, so padding at the end changes
                nothing before it and the mask may be left out.
            documents: [batch, length], the number of each token's document, where several are packed in a row
                and none sees another.

        Raises:
            ValueError: longer than `max_length`; documents for a recurrent decoder.
        """
        decoded: Decoded = self.decoder(self.embedding(tokens), None, mask, documents)
        return decoded

    def logits(self, states: Tensor) -> Tensor:
        """States [..., width] to logits [..., vocabulary]."""
        logits: Tensor = self.output(states)
        return logits

    @torch.no_grad()
    def start(self, batch: int, max_length: int) -> Cache:
        """Begin `batch` texts of at most `max_length` tokens.

        Raises:
            ValueError: more tokens than the model's `max_length`.
        """
        like = begin_writing(self.output, max_length, self.max_length)
        return self.decoder.start(None, batch, max_length, like)

    @torch.no_grad()
    def prefill(self, tokens: Tensor, cache: Cache) -> Tensor:
        """Feed a prompt, several tokens of each row [rows, count]; gives their states [rows, count, width].

        No gradients: to train, see :meth:`forward`.

        Raises:
            ValueError: they do not fit in the cache.
        """
        return self.decoder.step(self.embedding(tokens, cache.length), cache)

    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        """Feed the next token of each row [rows]; gives its states [rows, width] and moves the cache on.

        Raises:
            ValueError: the cache is full.
        """
        return self.prefill(tokens.unsqueeze(1), cache).squeeze(1)

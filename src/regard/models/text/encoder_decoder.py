"""Any encoder with any decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.models.text.cache import Cache
from regard.models.text.memory import Decoded, Memory
from regard.models.text.parts import Decoder, Encoder, begin_writing
from regard.nn.embedding import Embedding
from regard.nn.multi_head import add_log_probability


class EncoderDecoder(nn.Module):
    """A translator: source tokens to states of target tokens, all at once or step by step.

    Built by :func:`regard.models.build_translator`.

    Args:
        source_embedding: of source tokens.
        target_embedding: of target tokens.
        encoder: embedded source and its mask to a :class:`Memory`.
        decoder: embedded target and memory to :class:`Decoded`; `start` and `step` do the same step by step.
        output: states to logits; its weight may be an embedding's.
        max_length: most tokens that may be written, and that its Transformer parts take; recurrent parts read
            any number. `None` if there is no limit.

    Example:
        >>> from regard.models.text import ModelConfig, build_translator
        >>> config = ModelConfig(width=8, heads=2, layers=1)
        >>> model = build_translator(config, 20, 20, joint=True, pad=0).eval()
        >>> source = torch.tensor([[5, 6, 3]])
        >>> memory = model.encode(source, source != 0)
        >>> cache = model.start(memory, max_length=10)
        >>> model.logits(model.step(torch.tensor([2]), cache)).shape
        torch.Size([1, 20])
    """

    def __init__(
        self,
        source_embedding: Embedding,
        target_embedding: Embedding,
        encoder: Encoder,
        decoder: Decoder,
        output: nn.Linear,
        max_length: int | None,
    ) -> None:
        super().__init__()
        self.source_embedding = source_embedding
        self.target_embedding = target_embedding
        self.encoder = encoder
        self.decoder = decoder
        self.output = output
        self.max_length = max_length

    def encode(self, source: Tensor, mask: Tensor) -> Memory:
        """Read source tokens [batch, source]; mask [batch, source] is True for real ones, which come first.

        Raises:
            ValueError: longer than `max_length`, for a Transformer encoder; padding before a real token, for
                a recurrent one.
        """
        memory: Memory = self.encoder(self.source_embedding(source), mask)
        return memory

    def forward(self, source: Tensor, source_mask: Tensor, target: Tensor) -> Decoded:
        """Teacher forcing: states [batch, target, width] of target tokens [batch, target], <s> first.

        Raises:
            ValueError: as :meth:`encode`; a target longer than `max_length`, for a Transformer decoder.
        """
        memory = self.encode(source, source_mask)
        decoded: Decoded = self.decoder(self.target_embedding(target), memory)
        if memory.log_probability is not None:
            drawn = memory.log_probability.unsqueeze(1).expand(target.shape)
            decoded.log_probability = add_log_probability(drawn, decoded.log_probability)
        return decoded

    def logits(self, states: Tensor) -> Tensor:
        """States [..., width] to logits [..., vocabulary]."""
        logits: Tensor = self.output(states)
        return logits

    @torch.no_grad()
    def start(self, memory: Memory, max_length: int) -> Cache:
        """Begin decoding: an empty cache for the rows of `memory` and at most `max_length` tokens.

        Raises:
            ValueError: more tokens than the model's `max_length`.
        """
        like = begin_writing(self.output, max_length, self.max_length)
        return self.decoder.start(memory, memory.mask.shape[0], max_length, like)

    @torch.no_grad()
    def step(self, tokens: Tensor, cache: Cache) -> Tensor:
        """Feed the next token of each row [rows]; gives its states [rows, width] and moves the cache on.

        No gradients: to train, see :meth:`forward`.

        Raises:
            ValueError: the cache is full.
        """
        embedded = self.target_embedding(tokens.unsqueeze(1), cache.length)
        return self.decoder.step(embedded, cache).squeeze(1)

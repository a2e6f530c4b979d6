"""Stacks of Transformer layers (Vaswani et al. 2017, §3.1)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from regard.attention import Documents, Global, Padding, Scope
from regard.models.text.cache import Cache, KeyValues, Source
from regard.models.text.config import ModelConfig
from regard.models.text.memory import Decoded, Memory
from regard.models.text.parts import Decoder, Encoder
from regard.models.text.transformer_step import StraightStep
from regard.models.transformer_layer import Layer, final_norm
from regard.nn.multi_head import PositionTerms, add_log_probability
from regard.nn.positions import Alibi, Rotary

_EVERYWHERE = Global()


class PositionEncoding(nn.Module):
    """What self-attention must know of positions: rotary, ALiBi, or nothing where embeddings have them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.width // config.heads
        self.rotary = Rotary(dim, config.max_length) if config.positions == "rotary" else None
        self.alibi = Alibi(config.heads) if config.positions == "alibi" else None

    def forward(self, first: int, count: int) -> PositionTerms:
        """For `count` positions from `first`."""
        return PositionTerms(
            None if self.rotary is None else self.rotary(first, count),
            None if self.alibi is None else self.alibi.slopes,
        )


class TransformerEncoder(Encoder):
    """Reads a source, every position looking at all others.

    Example:
        >>> import torch
        >>> encoder = TransformerEncoder(ModelConfig(width=8, heads=2, layers=1))
        >>> encoder(torch.zeros(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)).states.shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.position_encoding = PositionEncoding(config)
        self.layers = nn.ModuleList(Layer(config, causal=False) for _ in range(config.encoder_depth))
        self.norm = final_norm(config)

    def forward(self, x: Tensor, mask: Tensor) -> Memory:
        """Encode x [batch, source, width], embedded; mask [batch, source] is True for real tokens."""
        scope = Padding(mask)
        terms = self.position_encoding(0, x.shape[1])
        drawn: Tensor | None = None
        for layer in self.layers:
            x, more = layer(x, scope, terms)
            drawn = add_log_probability(drawn, more)
        if drawn is not None:
            drawn = drawn.masked_fill(torch.logical_not(mask), 0.0).sum(1)
        return Memory(self.norm(x), mask, log_probability=drawn)


class TransformerCache(Cache):
    """Keys and values of the tokens so far, and those of the source."""

    def __init__(
        self, own: KeyValues, source: Source | None, max_length: int, straight: StraightStep | None = None
    ) -> None:
        super().__init__(max_length)
        self.own = own
        self.source = source
        self.straight = straight

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order."""
        self.own.select(rows, self.length)
        if self.source is not None:
            self.source.select(rows)


class TransformerDecoder(Decoder):
    """Writes a target, every position looking back and at the source; without a source, a language model.

    Args:
        config: the dials.
        cross: attends to a source.

    Example:
        >>> import torch
        >>> decoder = TransformerDecoder(ModelConfig(width=8, heads=2, layers=1), cross=False)
        >>> decoder(torch.zeros(2, 3, 8)).states.shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, config: ModelConfig, *, cross: bool) -> None:
        super().__init__()
        self.config = config
        self.position_encoding = PositionEncoding(config)
        # The config refuses a Transformer decoder whose attention is "none".
        source = config.attention if cross and config.attention != "none" else None
        self.layers = nn.ModuleList(
            Layer(config, causal=True, cross=source) for _ in range(config.decoder_depth)
        )
        self.norm = final_norm(config)

    def forward(
        self,
        x: Tensor,
        memory: Memory | None = None,
        mask: Tensor | None = None,
        documents: Tensor | None = None,
    ) -> Decoded:
        """Decode x [batch, target, width], embedded, all positions at once.

        Args:
            x: the target.
            memory: the source, if the decoder attends to one.
            mask: [batch, target], True for real tokens; needed only where padding is not at the end.
            documents: [batch, target], the number of each token's document, where none sees another.
        """
        source = None if memory is None else self._remember(memory)
        scope: Scope = _EVERYWHERE if mask is None else Padding(mask)
        if documents is not None:
            scope &= Documents(documents)
        terms = self.position_encoding(0, x.shape[1])
        drawn: Tensor | None = None
        for index, layer in enumerate(self.layers):
            read = None if source is None else (*source.layers[index], source.scope)
            x, more = layer(x, scope, terms, None, read)
            drawn = add_log_probability(drawn, more)
        return Decoded(self.norm(x), drawn)

    def start(self, memory: Memory | None, batch: int, max_length: int, like: Tensor) -> TransformerCache:
        """An empty cache for `batch` rows and `max_length` tokens, of the dtype and device of `like`."""
        config = self.config
        heads = config.kv_heads or config.heads
        own = KeyValues(
            config.decoder_depth, batch, heads, max_length, config.width // config.heads, like=like
        )
        source = None if memory is None else self._remember(memory)
        if source is not None:
            source.layers = [(keys.contiguous(), values.contiguous()) for keys, values in source.layers]
        return TransformerCache(own, source, max_length, self._straight_step(source))

    def step(self, x: Tensor, cache: TransformerCache) -> Tensor:
        """Decode the next tokens x [batch, count, width], embedded; gives their states.

        Raises:
            ValueError: the cache is full.
        """
        count, first, source = x.shape[1], cache.length, cache.source
        cache.check_room(count)
        if count == 1 and cache.straight is not None and cache.straight.still_serves():
            states: Tensor = self.norm(cache.straight(x[:, 0], cache.own, first, source).unsqueeze(1))
            cache.length += 1
            return states
        terms = self.position_encoding(first, count)
        for index, layer in enumerate(self.layers):
            past = (*cache.own.layer(index), first)
            if source is None:
                x = layer(x, terms=terms, past=past).states
            else:
                read = (*source.layers[index], source.scope)
                x = layer(x, _EVERYWHERE, terms, past, read, first, source.fold).states
        cache.length += count
        states = self.norm(x)
        return states

    def _straight_step(self, source: Source | None) -> StraightStep | None:
        """The steps as straight-line code, where it can stand in for the modules."""
        if self.position_encoding.rotary is not None or self.position_encoding.alibi is not None:
            return None
        if source is not None and not bool(source.mask.any(1).all()):
            return None
        return StraightStep.of(list(self.layers))

    def _remember(self, memory: Memory) -> Source:
        crosses: list[Any] = [layer.cross_attention for layer in self.layers]
        if None in crosses:
            raise ValueError("this decoder has no cross-attention, with which it could read a source")
        layers = [cross.remember(memory.states) for cross in crosses]
        return Source(layers, memory.mask, crosses[0].attention.folds)

"""A decoder of recurrent layers, with Bahdanau's attention, Luong's, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from regard.attention import Attended, Attention, build_attention
from regard.models.text.cache import Cache, Source
from regard.models.text.config import ModelConfig
from regard.models.text.memory import Decoded, Memory
from regard.models.text.parts import Decoder, check_mask, check_padding
from regard.nn.dropout import Dropout
from regard.nn.linear import linear
from regard.nn.recurrent import State, Stepper, cell_named, recurrent, run, steppers


@dataclass(slots=True)
class Progress:
    """Where a recurrent decoder stands.

    Attributes:
        layers: state of each layer.
        feed: [batch, width], the last attentional vector, where it is fed back.
        fixed: [batch, width], the one context vector of a decoder without attention.
    """

    layers: list[State]
    feed: Tensor | None = None
    fixed: Tensor | None = None

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order."""
        self.layers = [tuple(part.index_select(0, rows) for part in layer) for layer in self.layers]
        if self.feed is not None:
            self.feed = self.feed.index_select(0, rows)
        if self.fixed is not None:
            self.fixed = self.fixed.index_select(0, rows)


class RecurrentCache(Cache):
    """Where the decoder stands, its weights made ready, and what it reads of the source."""

    def __init__(
        self, progress: Progress, cells: list[Stepper], source: Source | None, max_length: int
    ) -> None:
        super().__init__(max_length)
        self.progress = progress
        self.cells = cells
        self.source = source

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order."""
        self.progress.select(rows)
        if self.source is not None:
            self.source.select(rows)


class StepOutput(NamedTuple):
    """What one step gives.

    Attributes:
        top: [batch, width], the state, or the attentional vector where it is fed back.
        context: [batch, width], what was read of the source.
        drawn: [batch, 1], log-probability of the keys that a hard selection drew.
    """

    top: Tensor
    context: Tensor | None
    drawn: Tensor | None


class RecurrentDecoder(Decoder):
    """Writes a target with an RNN, LSTM or GRU.

    - *No attention*: one context vector, a projection of the encoder's summary, enters every step and the
      read-out (Cho et al. 2014, §2.2).
    - *Bahdanau*: the previous state attends, the context enters the cell, and the read-out sees context,
      state and word (Bahdanau et al. 2015, §3.1 and A.2.2; one tanh layer in place of maxout).
    - *Luong*: the new state attends; the read-out, tanh(W [context; state]), is the attentional vector, which
      the next step is fed where `input_feeding` (Luong et al. 2015, §3 and §3.3).

    Where no step waits for the attention before it (no attention, or Luong without input feeding), the whole
    target runs through torch's fused layers and attends at once. Elsewhere the words' part of the first
    layer's gates is computed for all steps in one product.

    Args:
        config: the dials.
        features: size of the encoder's summary, which starts the state; None for a language model.

    Example:
        >>> decoder = RecurrentDecoder(ModelConfig(decoder="lstm", width=8), features=8)
        >>> memory = Memory(torch.zeros(2, 5, 8), torch.ones(2, 5, dtype=torch.bool))
        >>> decoder(torch.zeros(2, 3, 8), memory).states.shape
        torch.Size([2, 3, 8])
    """

    def __init__(self, config: ModelConfig, features: int | None) -> None:
        super().__init__()
        cell, width, depth = cell_named(config.decoder), config.width, config.decoder_depth
        self.heads = config.cross_heads
        self.attention: Attention | None = None
        if features is not None:
            self.bridge = linear(features, depth * width * (2 if cell == "lstm" else 1))
            if config.attention == "none":
                self.context = linear(features, width)
            else:
                dim = width // self.heads
                self.attention = build_attention(
                    config.attention,
                    query_dim=dim,
                    key_dim=dim,
                    heads=self.heads,
                    dropout=config.weight_dropout if self.heads > 1 else 0.0,
                )
                if self.heads > 1:
                    self.query = linear(width, width)
                    self.memory = linear(width, 2 * width)
        self.bahdanau = self.attention is not None and config.wiring == "bahdanau"
        self.feeds = self.attention is not None and not self.bahdanau and config.input_feeding
        fixed = features is not None and self.attention is None
        self.network = recurrent(
            cell,
            width * (2 if self.bahdanau or self.feeds or fixed else 1),
            width,
            depth,
            dropout=config.dropout,
        )
        self.readout = linear(width * (3 if self.bahdanau else 1 if features is None else 2), width)
        self.dropout = Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        memory: Memory | None = None,
        mask: Tensor | None = None,
        documents: Tensor | None = None,
    ) -> Decoded:
        """Decode x [batch, target, width], embedded; padding at the end changes nothing before it.

        Raises:
            ValueError: the mask has padding before a real token, which would be read (checked on a CPU), or
                does not fit; documents to be kept apart.
        """
        if documents is not None:
            raise ValueError(
                "a recurrent decoder carries what it has read from one document into the next: "
                "give it one document a row"
            )
        if mask is not None:
            check_mask(mask, x)
            if mask.device.type == "cpu":
                check_padding(mask)
        source, progress = self._begin(memory, x)
        if source is not None and (self.bahdanau or self.feeds) and x.shape[1]:
            return self._run_stepwise(x, source, progress)
        return self._run_at_once(x, source, progress)

    def start(self, memory: Memory | None, batch: int, max_length: int, like: Tensor) -> RecurrentCache:
        """An empty cache for `batch` rows and `max_length` tokens, of the dtype and device of `like`."""
        width = self.network.hidden_size
        source, progress = self._begin(memory, like.new_empty(batch, 0, width))
        return RecurrentCache(progress, steppers(self.network, width, like.dtype), source, max_length)

    def step(self, x: Tensor, cache: RecurrentCache) -> Tensor:
        """Decode the next tokens x [batch, count, width], embedded; gives their states.

        Raises:
            ValueError: the cache is full.
        """
        cache.check_room(x.shape[1])
        states = []
        for word, given in zip(x.unbind(1), cache.cells[0].look_ahead(x).unbind(0), strict=True):
            output = self._advance(cache.cells, given, cache.progress, cache.source, cache.length)
            states.append(output.top if self.feeds else self._read_out(output.top, output.context, word))
            cache.length += 1
        return torch.stack(states, 1) if states else x[..., : self.network.hidden_size]

    def _begin(self, memory: Memory | None, x: Tensor) -> tuple[Source | None, Progress]:
        """What there is to attend to, and where the decoder stands before the first word."""
        depth, width = self.network.num_layers, self.network.hidden_size
        kinds = 2 if isinstance(self.network, nn.LSTM) else 1
        if memory is None:
            zero = x.new_zeros(x.shape[0], width)
            return None, Progress([(zero,) * kinds for _ in range(depth)])
        summary = memory.summary
        parts = torch.tanh(self.bridge(summary)).to(x.dtype).chunk(depth * kinds, 1)
        progress = Progress([parts[index::depth] for index in range(depth)])
        if self.attention is None:
            progress.fixed = self.context(summary).to(x.dtype)
            return None, progress
        if self.feeds:
            progress.feed = x.new_zeros(x.shape[0], width)
        return self._remember(self.attention, memory), progress

    def _remember(self, attention: Attention, memory: Memory) -> Source:
        states = memory.states
        if self.heads > 1:
            split = self.memory(states).unflatten(2, (2 * self.heads, -1)).transpose(1, 2)
            keys, values = split.contiguous().split(self.heads, 1)
        else:
            keys = values = states.unsqueeze(1)
        return Source([(attention.score.prepare(keys), values)], memory.mask, attention.folds)

    def _run_at_once(self, x: Tensor, source: Source | None, progress: Progress) -> Decoded:
        """No step waits for the attention of the step before."""
        inputs, states, context, drawn = x, x, None, None
        if progress.fixed is not None:
            context = progress.fixed.unsqueeze(1).expand_as(x)
            inputs = torch.cat([x, context], 2)
        if x.shape[1]:  # torch's layers take no target without a word
            begin = tuple(torch.stack(parts) for parts in zip(*progress.layers, strict=True))
            states, _ = run(self.network, inputs, begin if len(begin) > 1 else begin[0])
            states = states.to(x.dtype)
        if source is not None:
            context, drawn = self._attend(states, source, 0)
        return Decoded(self.dropout(self._read_out(states, context, x)), drawn)

    def _run_stepwise(self, x: Tensor, source: Source, progress: Progress) -> Decoded:
        """Every step waits for the one before."""
        cells = steppers(self.network, x.shape[2], x.dtype)
        gates = cells[0].look_ahead(x).unbind(0)
        outputs = [self._advance(cells, given, progress, source, step) for step, given in enumerate(gates)]
        states = torch.stack([output.top for output in outputs], 1)
        if self.bahdanau:
            contexts = [output.context for output in outputs if output.context is not None]
            states = self._read_out(states, torch.stack(contexts, 1), x)
        draws = [output.drawn for output in outputs if output.drawn is not None]
        return Decoded(self.dropout(states), torch.cat(draws, 1) if draws else None)

    def _advance(
        self, cells: list[Stepper], given: Tensor, progress: Progress, source: Source | None, position: int
    ) -> StepOutput:
        """One step; moves `progress` on."""
        context, drawn = progress.fixed, None
        if self.bahdanau and source is not None:
            context, drawn = self._attend(progress.layers[-1][0], source, position)
        below = progress.feed if self.feeds else context
        for index, cell in enumerate(cells):
            state = cell(given if index == 0 else cell.bias, below, progress.layers[index])
            progress.layers[index] = state
            below = self.dropout(state[0]) if index + 1 < len(cells) else state[0]
        top = progress.layers[-1][0]
        if not self.bahdanau and source is not None:
            context, drawn = self._attend(top, source, position)
            if self.feeds:
                top = progress.feed = self._read_out(top, context, top)
        return StepOutput(top, context, drawn)

    def _attend(self, query: Tensor, source: Source, first: int) -> tuple[Tensor, Tensor | None]:
        """Contexts, and log-probabilities, of queries [batch, (length,) width] from position `first` on."""
        assert self.attention is not None
        shape = query.shape
        if self.heads > 1:
            query = self.query(query)
        keys, values = source.layers[0]
        length = shape[1] if len(shape) == 3 else 1
        query = query.reshape(keys.shape[0], source.fold * length, self.heads, values.shape[3]).transpose(
            1, 2
        )
        seen: Attended = self.attention(
            query, keys, values, scope=source.scope, first_query=first, prepared=True
        )
        drawn = seen.log_probability
        drawn = None if drawn is None else drawn.sum(1).view(shape[0], length)
        return seen.context.transpose(1, 2).reshape(shape), drawn

    def _read_out(self, top: Tensor, context: Tensor | None, word: Tensor) -> Tensor:
        seen = [part for part in (context, top, word if self.bahdanau else None) if part is not None]
        return torch.tanh(self.readout(torch.cat(seen, -1)))

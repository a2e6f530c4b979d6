"""An encoder of recurrent layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from regard.models.text.config import ModelConfig
from regard.models.text.memory import Memory
from regard.models.text.parts import Encoder, check_mask, check_padding
from regard.nn.dropout import Dropout
from regard.nn.recurrent import cell_named, recurrent, run


class RecurrentEncoder(Encoder):
    """Reads a source with an RNN, LSTM or GRU, both ways by choice (Schuster & Paliwal 1997).

    Each direction has half the width, so that states have the model's width whichever the encoder.

    Example:
        >>> encoder = RecurrentEncoder(ModelConfig(encoder="gru", width=8, layers=2))
        >>> memory = encoder(torch.zeros(3, 5, 8), torch.ones(3, 5, dtype=torch.bool))
        >>> memory.states.shape, memory.final.shape
        (torch.Size([3, 5, 8]), torch.Size([2, 3, 8]))
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.network = recurrent(
            cell_named(config.encoder),
            config.width,
            config.width // (2 if config.bidirectional else 1),
            config.encoder_depth,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Memory:
        """Encode x [batch, source, width], embedded; mask [batch, source] is True for real tokens.

        Padding is never read, in either direction; the states at its places are zero, as are the final ones
        of a text without a token.

        Raises:
            ValueError: padding before a real token, which would be read; a mask that does not fit.
        """
        check_mask(mask, x)
        depth = self.network.num_layers
        if bool(mask.all()) and x.shape[1]:
            states, last = run(self.network, x)
        else:
            check_padding(mask)
            states, last = self._run_packed(x, mask.sum(1))
        parts = last if isinstance(last, tuple) else (last,)
        final = torch.cat([_join_ways(part, depth) for part in parts])
        return Memory(self.dropout(states.to(x.dtype)), mask, final.to(x.dtype), depth)

    def _run_packed(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Any]:
        """Without what lies beyond each text. One without a token, which torch packs not, is zeroed."""
        longest = x.shape[1]
        x = x if longest else x.new_zeros(x.shape[0], 1, x.shape[2])
        some = pack_padded_sequence(x, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
        packed, last = run(self.network, some)
        states, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        real = (lengths > 0)[:, None]
        states = states[:, :longest] * real[:, None]
        return states, tuple(part * real for part in last) if isinstance(last, tuple) else last * real


def _join_ways(last: Tensor, depth: int) -> Tensor:
    """[layers · ways, batch, width / ways] -> [layers, batch, width]."""
    return last.view(depth, last.shape[0] // depth, *last.shape[1:]).transpose(1, 2).flatten(2)

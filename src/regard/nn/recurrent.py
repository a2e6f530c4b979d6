"""Recurrent networks: torch's fused layers for known sequences, and the same weights one step at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from regard.nn.product import multiply

Cell = Literal["rnn", "lstm", "gru"]
_LAYERS: dict[Cell, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def cell_named(name: str) -> Cell:
    """A cell by its name.

    Raises:
        ValueError: there is none of that name.

    Example:
        >>> cell_named("gru")
        'gru'
    """
    for cell in _LAYERS:
        if cell == name:
            return cell
    raise ValueError(f"{name!r} is no recurrent cell; there are {', '.join(_LAYERS)}")


def recurrent(
    cell: Cell, inputs: int, width: int, layers: int, *, bidirectional: bool = False, dropout: float = 0.0
) -> nn.RNNBase:
    """A stack of torch's recurrent layers, batch first.

    Input weights start Xavier-uniform and recurrent weights orthogonal (Saxe et al. 2014), gate by gate;
    biases start at zero, but at one for an LSTM's forget gate (Jozefowicz et al. 2015, §2.2).

    Example:
        >>> recurrent("gru", 4, 8, 2)
        GRU(4, 8, num_layers=2, batch_first=True)
    """
    network = _LAYERS[cell](
        inputs,
        width,
        layers,
        batch_first=True,
        bidirectional=bidirectional,
        dropout=dropout if layers > 1 else 0.0,
    )
    for name, parameter in network.named_parameters():
        for index, gate in enumerate(torch.split(parameter.detach(), width)):
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(gate)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(gate)
            else:
                nn.init.constant_(
                    gate, 1.0 if cell == "lstm" and name.startswith("bias_ih") and index == 1 else 0.0
                )
    return network


def run(
    network: nn.RNNBase, x: Tensor | PackedSequence, state: Tensor | tuple[Tensor, ...] | None = None
) -> Any:
    """A stack of recurrent layers over known sequences: what `network(x, state)` gives.

    On a GPU in the dtype of its weights: under autocast of any dtype cuDNN's layers are run in float16, whose
    range holds too few of the gradients.

    Example:
        >>> run(recurrent("gru", 4, 8, 1), torch.zeros(2, 3, 4))[0].shape
        torch.Size([2, 3, 8])
    """
    if not x.is_cuda:
        return network(x, state)
    dtype = next(network.parameters()).dtype
    begin = tuple(part.to(dtype) for part in state) if isinstance(state, tuple) else state
    begin = begin.to(dtype) if isinstance(begin, Tensor) else begin
    with torch.autocast("cuda", enabled=False):
        return network(x.to(dtype), begin)


State = tuple[Tensor, ...]
"""Of one layer: (hidden,) or, of an LSTM, (hidden, cell), each [batch, width]."""


class Stepper(NamedTuple):
    """One layer's weights, made ready for many steps.

    Attributes:
        cell: which kind.
        ahead: [gates, ahead] weights of the input channels that are known ahead; None if there are none.
        rest: [other inputs, gates], or for an LSTM and an RNN [other inputs + width, gates] with the
            recurrent weights below; None for a GRU whose inputs are all known ahead.
        hidden: [width, gates], recurrent weights of a GRU.
        bias: of the inputs; for an LSTM and an RNN the recurrent bias is in it.
        hidden_bias: of a GRU's recurrent part, which its reset gate multiplies.
    """

    cell: Cell
    ahead: Tensor | None
    rest: Tensor | None
    hidden: Tensor | None
    bias: Tensor
    hidden_bias: Tensor | None

    def look_ahead(self, x: Tensor) -> Tensor:
        """What known inputs [batch, length, ahead] add to the gates of each step: [length, batch, gates]."""
        if self.ahead is None:
            raise ValueError("this layer has no inputs that are known ahead")
        return multiply(x.transpose(0, 1), self.ahead, self.bias)

    def __call__(self, given: Tensor, x: Tensor | None, state: State) -> State:
        """One step.

        Args:
            given: [batch, gates] of :meth:`look_ahead`, or the bias.
            x: [batch, other inputs]; None if all were known ahead.
            state: before the step.
        """
        hidden = state[0]
        if self.cell == "gru":
            return (self._gru(given, x, hidden),)
        assert self.rest is not None  # recurrent weights are always in it
        gates = torch.addmm(given, hidden if x is None else torch.cat([x, hidden], 1), self.rest)
        if self.cell == "rnn":
            return (torch.tanh(gates),)
        enter, keep, new, leave = gates.chunk(4, 1)
        cell = torch.addcmul(torch.sigmoid(keep) * state[1], torch.sigmoid(enter), torch.tanh(new))
        return torch.sigmoid(leave) * torch.tanh(cell), cell

    def _gru(self, given: Tensor, x: Tensor | None, hidden: Tensor) -> Tensor:
        assert self.hidden is not None
        assert self.hidden_bias is not None
        width = hidden.shape[1]
        outer = given if x is None or self.rest is None else torch.addmm(given, x, self.rest)
        inner = torch.addmm(self.hidden_bias, hidden, self.hidden)
        reset, update = torch.sigmoid(outer[:, : 2 * width] + inner[:, : 2 * width]).chunk(2, 1)
        new = torch.tanh(torch.addcmul(outer[:, 2 * width :], reset, inner[:, 2 * width :]))
        return torch.lerp(new, hidden.to(new.dtype), update)  # a state begun outside autocast is wider


def steppers(network: nn.RNNBase, ahead: int, dtype: torch.dtype) -> list[Stepper]:
    """A stepper for each layer of a stack that reads one way.

    Args:
        network: from :func:`recurrent`.
        ahead: input channels of the first layer that are known ahead; the rest come step by step.
        dtype: to compute in.

    Example:
        >>> network = recurrent("lstm", 4, 8, 1)
        >>> [layer] = steppers(network, 4, torch.float32)
        >>> x, zero = torch.randn(2, 3, 4), torch.zeros(2, 8)
        >>> gates, state = layer.look_ahead(x), (zero, zero)
        >>> for step in range(3):
        ...     state = layer(gates[step], None, state)
        >>> torch.allclose(state[0], network(x)[0][:, -1], atol=1e-6)
        True
    """
    cell = cell_named(network.mode.split("_")[0].lower())
    made = []
    for index in range(network.num_layers):
        outer, inner = (getattr(network, f"weight_{part}_l{index}").to(dtype) for part in ("ih", "hh"))
        bias, hidden_bias = (getattr(network, f"bias_{part}_l{index}").to(dtype) for part in ("ih", "hh"))
        known, rest = outer[:, : ahead if index == 0 else 0], outer[:, ahead if index == 0 else 0 :]
        if cell == "gru":
            weights = (rest.t() if rest.shape[1] else None, inner.t(), bias, hidden_bias)
        else:
            weights = (torch.cat([rest, inner], 1).t(), None, bias + hidden_bias, None)
        made.append(Stepper(cell, known if known.shape[1] else None, *weights))
    return made

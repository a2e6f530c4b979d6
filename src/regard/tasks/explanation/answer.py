"""What a model answered to one input, in a form in which it can be asked again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from regard.lens import LayerAttention
from regard.lens.map import Axis
from regard.lens.relevance import Step
from regard.lens.relevance.step import Side

_BATCH = 64


class Answer(ABC):
    """An answer: tokens that were written, or a class; and how to ask for it again.

    Attributes:
        model: that answered.
        said: the axis of what was answered: tokens, or one class.
        read: the axis of each side that the answer may come from. The answer is read from states of the
            *target*; only a decoder that looks across has a *source*.
        states: [answers, target positions], rows that sum to one: the states that each answer is read from.
    """

    model: nn.Module
    said: Axis
    read: dict[Side, Axis]
    states: Tensor

    @property
    def recurrent(self) -> bool:
        """Whether states pass on what they know by other ways than attention."""
        return any(isinstance(module, nn.RNNBase) for module in self.model.modules())

    @abstractmethod
    def scores(self, answers: Sequence[int]) -> Tensor:
        """Asks for some of the answers, each in a row of one batch, with gradients.

        Returns:
            [answers], the log-odds of each. Their gradient is that of the log-probability but for a factor,
            and unlike it does not vanish where the model is sure.
        """

    @abstractmethod
    def parts(self, side: Side) -> Tensor:
        """[answers, positions], true for what of a side can be taken away before an answer."""

    def ask(self, side: Side, gone: Tensor, asked: Tensor) -> Tensor:
        """How probable the answers are without parts of a side; see `regard.lens.faithfulness.Ask`."""
        with torch.inference_mode():
            # Inputs of like lengths beside each other: less padding.
            order = gone.sum(1).argsort()
            found = torch.zeros(asked.shape)
            for rows in torch.split(order, _BATCH):
                found[rows] = self.without(side, gone[rows], asked[rows]).float().cpu()
        return found

    @abstractmethod
    def without(self, side: Side, gone: Tensor, asked: Tensor) -> Tensor:
        """One batch of `ask`."""

    def steps(self, seen: dict[str, LayerAttention]) -> list[Step]:
        """The attentions of a run, the same input in each row of the batch, in order.

        Args:
            seen: by place, in order.
        """
        sides = sides_of(seen)
        return [self._step(sides[name], one) for name, one in seen.items()]

    def _step(self, sides: tuple[Side, Side], one: LayerAttention) -> Step:
        return Step(*sides, one.weights[0], one.gradient if one.waiting else None)


def sides_of(places: Iterable[str]) -> dict[str, tuple[Side, Side]]:
    """Who looks, and at whom, at each place of one of our models.

    Args:
        places: all that the model has.

    Example:
        >>> sides_of(["encoder.0.self", "decoder.0.cross"])
        {'encoder.0.self': ('source', 'source'), 'decoder.0.cross': ('target', 'source')}
        >>> sides_of(["encoder.0.self"])
        {'encoder.0.self': ('target', 'target')}
    """
    names = list(places)
    crosses = any(name.endswith("cross") for name in names)

    def sides(name: str) -> tuple[Side, Side]:
        if name.endswith("cross"):
            return "target", "source"
        return ("source", "source") if crosses and not name.startswith("decoder") else ("target", "target")

    return {name: sides(name) for name in names}


def log_odds(logits: Tensor, chosen: Tensor) -> Tensor:
    """Logarithm of p / (1 - p) of the chosen one.

    Args:
        logits: [rows, classes].
        chosen: [rows].

    Example:
        >>> log_odds(torch.tensor([[0.0, 0.0, 0.0]]), torch.tensor([2]))
        tensor([-0.6931])
    """
    mine = logits.gather(1, chosen[:, None])[:, 0]
    others = logits.scatter(1, chosen[:, None], -torch.inf).logsumexp(1)
    return mine - others

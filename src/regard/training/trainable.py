"""What a task gives to the trainer: batches, a loss, a validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Loss:
    """The loss of a batch.

    Attributes:
        total: scalar, the SUM over the units of `Trainable.units`, to be differentiated.
        figures: other sums over the units, for the log.
    """

    total: Tensor
    figures: Mapping[str, float | Tensor] = field(default_factory=dict)


class Batch(Protocol):
    """A batch of any task."""

    @property
    def filled(self) -> int:
        """Real cells, of every tensor that is padded."""

    @property
    def positions(self) -> int:
        """All of these cells, padding included."""

    def to(self, device: torch.device) -> Self:
        """The batch on a device."""


class Trainable(Protocol):
    """A task as the trainer sees it.

    `batch` is a pure function of its arguments, so a run can be resumed anywhere; `None` is a rank's share
    of a global batch that has too few rows for all ranks.

    Attributes:
        steps_per_epoch: global batches in one pass over the data.
        metrics: names of the figures that `validate` can give.
    """

    steps_per_epoch: int
    metrics: ClassVar[Sequence[str]]

    @property
    def unit(self) -> str:
        """What the loss is a mean over and the speed counts, in the plural: *tokens*, *images*."""

    def digests(self) -> Mapping[str, str]:
        """What the data is, by split: a run resumed must find the same."""

    def batch(self, epoch: int, step: int, rank: int, world: int) -> Any:
        """This rank's rows of that global batch."""

    def units(self, batch: Any) -> int:
        """What the loss of this batch will be a sum over, known before it is computed."""

    def loss(self, model: nn.Module, batch: Any) -> Loss:
        """The loss, summed over the units."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Figures on data kept apart, by name; the model is in eval mode and no gradient is taken."""


class Objective(nn.Module):
    """Model and loss in one module, so that DistributedDataParallel sees the loss being made.

    Example:
        >>> class Mean:
        ...     def loss(self, model, batch): return Loss(model(batch).sum())
        >>> total, figures = Objective(nn.Linear(2, 1), Mean())(torch.ones(3, 2))
        >>> total.shape, figures
        (torch.Size([]), {})
    """

    def __init__(self, model: nn.Module, trainable: Trainable) -> None:
        super().__init__()
        self.model = model
        self.trainable = trainable

    def forward(self, batch: Any) -> tuple[Tensor, dict[str, float | Tensor]]:
        """Total loss of the batch and its figures; zero for a rank that has no rows.

        Every parameter is tied to the total, so that ranks wait for each other's gradients even where a
        parameter had no part in this batch.
        """
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        if batch is None:
            zero = torch.zeros((), device=parameters[0].device)
            return _Tied.apply(zero, *parameters), {}  # type: ignore[no-untyped-call]
        loss = self.trainable.loss(self.model, batch)
        return _Tied.apply(loss.total, *parameters), dict(loss.figures)  # type: ignore[no-untyped-call]


class _Tied(torch.autograd.Function):
    """The first argument, with no gradient for the others: yet the graph reaches them."""

    @staticmethod
    def forward(ctx: Any, total: Tensor, *parameters: Tensor) -> Tensor:
        ctx.count = len(parameters)
        return total.view_as(total)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return gradients[0], *([None] * ctx.count)

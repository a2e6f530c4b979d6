"""Sums over the updates since the last line of the log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from regard.training.distributed import Processes


@dataclass
class Window:
    """Sums of this process; tensors are added up where they are, without waiting for a GPU.

    Example:
        >>> import torch
        >>> window = Window()
        >>> window.add(torch.tensor(6.0), {})
        >>> window.count(norm=1.0, units=3, filled=3, positions=4)
        >>> window.seconds += 0.5
        >>> figures = window.figures(Processes(), "tokens")
        >>> figures["loss"], figures["tokens_per_second"], figures["padding"]
        (2.0, 6.0, 0.25)
    """

    sums: dict[str, Any] = field(default_factory=dict)
    norm: Any = 0.0
    updates: int = 0
    units: int = 0
    filled: int = 0
    positions: int = 0
    seconds: float = 0.0

    def add(self, loss: Tensor, figures: dict[str, float | Tensor]) -> None:
        """Add the sums of a batch."""
        for name, value in {"loss": loss, **figures}.items():
            value = value.detach().double() if isinstance(value, Tensor) else value
            self.sums[name] = self.sums.get(name, 0.0) + value

    def count(self, *, norm: float | Tensor, units: int, filled: int, positions: int) -> None:
        """Add what an update saw in this process; the norm is that of everyone's gradient."""
        self.updates += 1
        self.norm = self.norm + (norm.detach().double() if isinstance(norm, Tensor) else norm)
        self.units += units
        self.filled += filled
        self.positions += positions

    def figures(self, processes: Processes, unit: str) -> dict[str, float]:
        """Means over all processes: the loss and other figures per unit, the norm per update, the speed."""
        total = self.total(processes)
        units, seconds = max(1, total.units), max(self.seconds, 1e-9)
        return {
            **{name: value / units for name, value in total.sums.items()},
            "gradient_norm": total.norm / max(1, self.updates),
            f"{unit}_per_second": round(total.units / seconds, 1),
            "padding": round(1 - total.filled / max(1, total.positions), 4),
        }

    def total(self, processes: Processes) -> Window:
        """The window of all processes together, in plain numbers."""
        numbers = {name: float(value) for name, value in self.sums.items()}
        shares = processes.gather(replace(self, sums=numbers, norm=float(self.norm)))
        names = dict.fromkeys(name for share in shares for name in share.sums)
        return replace(
            shares[0],
            sums={name: sum(share.sums.get(name, 0.0) for share in shares) for name in names},
            units=sum(share.units for share in shares),
            filled=sum(share.filled for share in shares),
            positions=sum(share.positions for share in shares),
        )

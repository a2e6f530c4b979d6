"""Muon where bfloat16 is slow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import Muon


class Float32Muon(Muon):
    """`torch.optim.Muon` that makes a step's matrix orthogonal in the matrix's own precision.

    torch does so in bfloat16, which a processor without instructions for it (AVX2 alone: most laptops)
    emulates thirty times more slowly than it multiplies float32; there the optimizer would take most of an
    update. What is remembered is the same, so that a run goes on with either. Steps have the size of AdamW's
    (Liu et al. 2025, §2.2).

    Args:
        params: matrices.
        lr: learning rate.
        weight_decay: decoupled, as AdamW's.

    Example:
        >>> weight = nn.Parameter(torch.zeros(2, 3))
        >>> weight.grad = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.1, 0.0]])
        >>> Float32Muon([weight], lr=0.1, weight_decay=0.0).step()
        >>> bool(weight[0, 0] < -0.02 and weight[1, 1] < -0.02)  # as far where the slope was gentle
        True
    """

    def __init__(self, params: Iterable[nn.Parameter], *, lr: float, weight_decay: float) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move each matrix that has a gradient by one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._move(matrix, matrix.grad, group)
        return loss

    def _move(self, matrix: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        mean = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
        # Nesterov: as if this gradient had come once more.
        step = orthogonal(
            gradient.lerp(mean, group["momentum"]),
            coefficients=group["ns_coefficients"],
            times=group["ns_steps"],
        )
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        matrix.add_(step, alpha=-group["lr"] * (0.2 * max(matrix.shape) ** 0.5))


def orthogonal(matrix: Tensor, *, coefficients: tuple[float, float, float], times: int) -> Tensor:
    """A matrix near the orthogonal one that is nearest, by Newton–Schulz iterations (Jordan et al. 2024).

    Args:
        matrix: [rows, columns].
        coefficients: of an odd polynomial of degree five that brings singular values from (0, 1] towards 1.
        times: how often it is applied.

    Returns:
        [rows, columns].

    Example:
        >>> matrix = torch.tensor([[2.0, 0.0], [0.0, 0.2]])
        >>> orthogonal(matrix, coefficients=(15 / 8, -10 / 8, 3 / 8), times=9).round(decimals=3).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    linear, cubic, quintic = coefficients
    wide = matrix if matrix.size(0) <= matrix.size(1) else matrix.T
    wide = wide / wide.norm().clamp(min=1e-7)
    for _ in range(times):
        gram = wide @ wide.T
        change = torch.addmm(gram, gram, gram, beta=cubic, alpha=quintic)
        wide = torch.addmm(wide, change, wide, beta=linear)
    return wide if matrix.size(0) <= matrix.size(1) else wide.T

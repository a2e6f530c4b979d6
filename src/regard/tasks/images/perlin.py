"""Perlin noise: smooth random fields, whose peaks make blots and streaks of any shape."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Gradients of a field; where it has more cells than this along an axis, they come again.
_LATTICE = 64
# Unit gradients in two dimensions reach ±√½.
_REACH = math.sqrt(2)


def perlin_noise(
    batch: int,
    rows: int,
    columns: int,
    generator: torch.Generator,
    finest: int = 6,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Fields of gradient noise (Perlin 1985, 2002), each of its own coarseness and direction.

    A field has 2⁰ to 2^`finest` cells along each of its two axes, so that some are blots and some streaks
    (Zavrtanik et al. 2021, DRAEM, §3.3), and is turned by an angle of its own. All fields are made in one go.

    Args:
        batch: how many.
        rows, columns: of a field.
        generator: of the random numbers; fields are made on its device.
        finest: the largest power of two; cells are 4 pixels wide at least, as the paper's of 256.
        dtype: of the result, float32 unless said.

    Returns:
        [batch, rows, columns], in [-1, 1].

    Example:
        >>> perlin_noise(2, 28, 28, torch.Generator().manual_seed(0)).shape
        torch.Size([2, 28, 28])
    """
    device, dtype = generator.device, dtype or torch.float32
    most = min(finest, max(0, int(math.log2(max(1, min(rows, columns) / 4)))))
    drawn = torch.rand((5, batch), generator=generator, device=device, dtype=dtype)
    cells = 2.0 ** (drawn[:2] * (most + 1)).floor()  # along each axis
    turn = drawn[2] * torch.pi
    angles = torch.rand((batch, _LATTICE * _LATTICE), generator=generator, device=device, dtype=dtype)
    gradients = torch.stack(((angles * 2 * torch.pi).cos(), (angles * 2 * torch.pi).sin()))
    y, x = _turned(rows, columns, turn, dtype)
    y = (y * cells[0, :, None, None] + drawn[3, :, None, None] * _LATTICE).flatten(1)
    x = (x * cells[1, :, None, None] + drawn[4, :, None, None] * _LATTICE).flatten(1)
    return _field(y, x, gradients).view(batch, rows, columns).mul_(_REACH)


def _turned(rows: int, columns: int, turn: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Coordinates [batch, rows, columns] of pixels, turned around the centre; the longer side is 1 long."""
    longer = max(rows, columns)
    y = (torch.arange(rows, dtype=dtype, device=turn.device)[:, None] + 0.5 - rows / 2) / longer
    x = (torch.arange(columns, dtype=dtype, device=turn.device) + 0.5 - columns / 2) / longer
    cos, sin = turn.cos()[:, None, None], turn.sin()[:, None, None]
    return y * cos + x * sin, x * cos - y * sin


def _field(y: Tensor, x: Tensor, gradients: Tensor) -> Tensor:
    """Gradient noise at points y, x [batch, points] of a lattice of gradients [2, batch, lattice²]."""
    top, left = y.floor(), x.floor()
    y, x = y - top, x - left
    row, column = top.long() % _LATTICE, left.long() % _LATTICE
    below, right = (row + 1) % _LATTICE, (column + 1) % _LATTICE

    def corner(row: Tensor, column: Tensor, y: Tensor, x: Tensor) -> Tensor:
        at = row * _LATTICE + column
        return gradients[0].gather(1, at).mul_(y).addcmul_(gradients[1].gather(1, at), x)

    across = x * x * x * (x * (x * 6 - 15) + 10)  # Perlin's fade, of 2002: no seam in its second derivative
    down = y * y * y * (y * (y * 6 - 15) + 10)
    above = torch.lerp(corner(row, column, y, x), corner(row, right, y, x - 1), across)
    under = torch.lerp(corner(below, column, y - 1, x), corner(below, right, y - 1, x - 1), across)
    return torch.lerp(above, under, down)

"""Where a token stands: four ways to tell a Transformer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Positions(nn.Module):
    """Base of the positions that are added to embeddings: a table [max_length, width]."""

    table: Tensor

    def forward(self, first: int, count: int) -> Tensor:
        """Rows [count, width] of positions first … first + count - 1.

        Raises:
            ValueError: beyond the table.
        """
        _check_reach(first + count, self.table.shape[0])
        return self.table[first : first + count]

    def extra_repr(self) -> str:
        """Size of the table, for printing."""
        return f"max_length={self.table.shape[0]}, width={self.table.shape[1]}"


class Sinusoidal(Positions):
    """PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos(same) (Vaswani et al. 2017, §3.5).

    Example:
        >>> Sinusoidal(4, max_length=8)(0, 1)
        tensor([[0., 1., 0., 1.]])
    """

    def __init__(self, width: int, max_length: int) -> None:
        super().__init__()
        angle = _angles(width, max_length, base=10_000.0)
        self.register_buffer(
            "table", torch.stack([angle.sin(), angle.cos()], -1).flatten(1).float(), persistent=False
        )


class Learned(Positions):
    """One learned vector a position (Gehring et al. 2017; BERT).

    Example:
        >>> Learned(4, max_length=8)(2, 3).shape
        torch.Size([3, 4])
    """

    def __init__(self, width: int, max_length: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(max_length, width))
        nn.init.normal_(self.table, std=0.02)


class Rotary(nn.Module):
    """Turn pairs of query and key channels by an angle that grows with position (Su et al. 2021, §3.2).

    Channel i is paired with channel i + dim/2 (the layout of GPT-NeoX and Llama), so that a rotation is two
    products and one roll of halves.

    Args:
        dim: size of a head, even.
        max_length: longest position.
        base: of the angles' geometric progression.

    Raises:
        ValueError: `dim` is odd.

    Example:
        >>> rotary = Rotary(4, max_length=8)
        >>> x = torch.randn(1, 2, 3, 4)
        >>> turned = rotate(x, rotary(0, 3))
        >>> torch.allclose(turned.norm(dim=-1), x.norm(dim=-1))
        True
    """

    cosine: Tensor
    sine: Tensor

    def __init__(self, dim: int, max_length: int, base: float = 10_000.0) -> None:
        super().__init__()
        if dim % 2:
            raise ValueError(f"rotary positions turn pairs of channels: a head of {dim} channels is odd")
        angle = _angles(dim, max_length, base).repeat(1, 2)
        self.register_buffer("cosine", angle.cos().float(), persistent=False)
        sign = torch.cat([-torch.ones(dim // 2), torch.ones(dim // 2)])
        self.register_buffer("sine", (angle.sin() * sign).float(), persistent=False)

    def forward(self, first: int, count: int) -> tuple[Tensor, Tensor]:
        """Cosines and signed sines [count, dim] of positions first … first + count - 1.

        Raises:
            ValueError: beyond max_length.
        """
        _check_reach(first + count, self.cosine.shape[0])
        return self.cosine[first : first + count], self.sine[first : first + count]


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn queries or keys by what :class:`Rotary` gave for their positions.

    Args:
        x: [..., positions, dim].
        rotation: cosines and signed sines, each [positions, dim].

    Returns:
        [..., positions, dim], of the dtype of `x`.

    Example:
        >>> rotate(torch.tensor([[1.0, 0.0]]), Rotary(2, max_length=4)(1, 1))  # by one radian
        tensor([[0.5403, 0.8415]])
    """
    cosine, sine = (part.to(x.dtype) for part in rotation)
    return torch.addcmul(x * cosine, x.roll(x.shape[-1] // 2, -1), sine)


class Alibi(nn.Module):
    """A penalty on scores that grows with distance, one slope a head (Press et al. 2022, §3).

    Slopes are 2^(-8/h), 2^(-16/h), …; a number of heads that is no power of two takes, as the authors' code
    does, the slopes of the power below and every other one of the power above.

    Example:
        >>> Alibi(4).slopes
        tensor([0.2500, 0.0625, 0.0156, 0.0039])
    """

    slopes: Tensor

    def __init__(self, heads: int) -> None:
        super().__init__()
        below = 2 ** math.floor(math.log2(heads))
        slopes = _geometric(below) + _geometric(2 * below)[::2][: heads - below]
        self.register_buffer("slopes", torch.tensor(slopes), persistent=False)


def _check_reach(reach: int, max_length: int) -> None:
    if reach > max_length:
        raise ValueError(
            f"positions reach {reach}, but max_length is {max_length}: "
            "split the text or build the model with a larger max_length"
        )


def _geometric(heads: int) -> list[float]:
    return [2.0 ** (-8.0 * (head + 1) / heads) for head in range(heads)]


def _angles(width: int, max_length: int, base: float) -> Tensor:
    """[max_length, width / 2] in float64: position / base^(2i/width)."""
    if width % 2:
        raise ValueError(f"sines and cosines come in pairs: a width of {width} is odd")
    inverse = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.arange(max_length, dtype=torch.float64)[:, None] * inverse

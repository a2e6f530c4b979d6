"""The axis of an attention map over a picture: patches in rows and columns, and tokens that are no patch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from regard.lens.axis import Tokens


@dataclass(frozen=True)
class PatchGrid:
    """Positions of special tokens first, then of patches, row after row.

    Attributes:
        rows: of patches.
        columns: of patches.
        specials: names of the tokens before the patches, such as ``[CLS]`` and registers.
        image_size: rows and columns of the picture, in pixels.

    Raises:
        ValueError: no patches.

    Example:
        >>> grid = PatchGrid(2, 3, ("[CLS]",), (8, 12))
        >>> len(grid), grid.labels[:3]
        (7, ('[CLS]', '0,0', '0,1'))
        >>> grid.spread(torch.arange(7)).tolist()
        [[1, 2, 3], [4, 5, 6]]
    """

    rows: int
    columns: int
    specials: tuple[str, ...] = ()
    image_size: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"a grid of {self.rows} × {self.columns} patches has no patch")

    def __len__(self) -> int:
        return len(self.specials) + self.rows * self.columns

    @property
    def labels(self) -> tuple[str, ...]:
        """The specials' names, then ``row,column`` of each patch, counted from 0."""
        patches = (f"{row},{column}" for row in range(self.rows) for column in range(self.columns))
        return (*self.specials, *patches)

    @property
    def patch_size(self) -> tuple[float, float]:
        """Pixels that a patch is high and wide."""
        return self.image_size[0] / self.rows, self.image_size[1] / self.columns

    def groups(self) -> list[list[int]]:
        """Every position by itself: patches are no parts of words."""
        return [[position] for position in range(len(self))]

    def joined(self) -> PatchGrid:
        """The grid itself."""
        return self

    def chosen(self, positions: Iterable[int]) -> Tokens:
        """Names of some positions."""
        labels = self.labels
        return Tokens(tuple(labels[position] for position in positions))

    def find(self, text: str) -> int:
        """The position of a special token, or of the patch ``row,column``.

        Raises:
            ValueError: there is none.
        """
        wanted = text.replace(" ", "").casefold()
        for position, label in enumerate(self.labels):
            if label.casefold() == wanted:
                return position
        names = " ".join(self.specials)
        raise ValueError(
            f"no {text!r} among {names or 'the patches'}; patches are ROW,COLUMN from 0,0 to "
            f"{self.rows - 1},{self.columns - 1}"
        )

    def spread(self, weights: Tensor) -> Tensor:
        """Weights of the patches as they lie in the picture.

        Args:
            weights: [..., positions].

        Returns:
            [..., rows, columns]; the specials are left out.
        """
        patches = weights[..., len(self.specials) :]
        return patches.reshape(*patches.shape[:-1], self.rows, self.columns)

    def centres(self) -> Tensor:
        """Where the middle of each patch lies, [rows · columns, 2]: pixels from the top and from the left."""
        high, wide = self.patch_size
        down = (torch.arange(self.rows) + 0.5) * high
        right = (torch.arange(self.columns) + 0.5) * wide
        return torch.cartesian_prod(down, right)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        return {
            "rows": self.rows,
            "columns": self.columns,
            "specials": list(self.specials),
            "image_size": list(self.image_size),
        }

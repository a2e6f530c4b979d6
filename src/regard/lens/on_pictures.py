"""From attention maps over a picture to what can be laid over it."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor
from torch.nn import functional as F

from regard.lens.axis import Tokens
from regard.lens.map import AttentionMap
from regard.lens.map_faithfulness import Unmeasured
from regard.lens.overlay import Heat
from regard.lens.patch_grid import PatchGrid
from regard.lens.relevance import rollout


def looked_at(seen: AttentionMap) -> Tensor:
    """What one look at a picture takes in: the mean of heads, of one query.

    The query is the class token where there is one; of a map of a single query that one; else all patches
    look, on average.

    Args:
        seen: its keys are a grid of patches.

    Returns:
        [rows, columns].

    Raises:
        ValueError: its keys are no grid.

    Example:
        >>> import torch
        >>> grid = PatchGrid(1, 2, ("[CLS]",), (4, 8))
        >>> weights = torch.tensor([[[0.2, 0.5, 0.3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
        >>> looked_at(AttentionMap("encoder.0.self", weights, grid, grid))
        tensor([[0.5000, 0.3000]])
    """
    return _grid(seen).spread(_look(seen, seen.mean()))


def heat_of(seen: AttentionMap) -> Heat:
    """A map as a panel over the picture, with how faithful it is; see `looked_at`."""
    return Heat(f"{seen.name}\n{seen.faithfulness.caption}", looked_at(seen))


def layers_and_rollout(maps: Iterable[AttentionMap]) -> list[Heat]:
    """A panel for each map; for several layers of self-attention their rollout too."""
    maps = list(maps)
    heats = [heat_of(seen) for seen in maps]
    layers = [seen for seen in maps if seen.name.endswith("self")]
    if len(layers) > 1:
        last = layers[-1]
        through = rollout([seen.weights for seen in layers])
        # No attention has these weights: what is known of the layers is not of it.
        heats.append(Heat(f"rollout\n{Unmeasured.NOT_YET.caption}", _grid(last).spread(_look(last, through))))
    return heats


def in_rows_and_columns(seen: AttentionMap, most: int | None = None) -> AttentionMap:
    """A look as a table that has the shape of the grid, for views of words: row by column.

    Args:
        seen: its keys are a grid.
        most: rows and columns to show; of a finer grid the means of squares of cells are, each under the
            numbers of its first.

    Example:
        >>> import torch
        >>> grid = PatchGrid(4, 4, (), (16, 16))
        >>> seen = AttentionMap("decoder.0.gate", torch.ones(1, 1, 16), Tokens(("the gate",)), grid)
        >>> table = in_rows_and_columns(seen, most=2)
        >>> table.name, table.key_axis.labels
        ('decoder.0.gate · means of 2 × 2', ('0', '2'))
    """
    grid, values, name = _grid(seen), looked_at(seen), seen.name
    side = 1 if most is None else -(-max(grid.rows, grid.columns) // most)
    if side > 1:
        values = F.avg_pool2d(values[None], side, ceil_mode=True)[0]
        name = f"{name} · means of {side} × {side}"
    rows, columns = (Tokens(tuple(map(str, range(0, end, side)))) for end in (grid.rows, grid.columns))
    return AttentionMap(name, values[None], rows, columns)


def _look(seen: AttentionMap, weights: Tensor) -> Tensor:
    """The row of [queries, keys] that stands for all."""
    axis = seen.query_axis
    if len(axis) == 1 or (isinstance(axis, PatchGrid) and axis.specials[:1] == ("[CLS]",)):
        return weights[0]
    first = len(axis.specials) if isinstance(axis, PatchGrid) else 0
    return weights[first:].mean(0)


def _grid(seen: AttentionMap) -> PatchGrid:
    if not isinstance(seen.key_axis, PatchGrid):
        raise ValueError(f"{seen.name}: what is looked at is no picture")
    return seen.key_axis

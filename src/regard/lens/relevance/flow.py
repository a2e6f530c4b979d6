"""Attention flow: how much of each input can reach a state through the layers at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from regard.lens.capture.block import chunks
from regard.lens.relevance.rollout import residual_mix

_AT_ONCE = 1 << 21  # elements of one table of flows
_NOTHING = 1e-12  # of a capacity, which is 1 at most: rounding of float64


def flow(
    layers: Sequence[Tensor],
    *,
    residual: float = 0.5,
    queries: Sequence[int] | None = None,
    each: Callable[[int, int], None] = lambda done, of: None,
) -> Tensor:
    """The maximum flow from states of the last layer to each input (Abnar & Zuidema 2020, §3).

    Layers are the network and attention, residual connections counted in as in `rollout`, is what
    its edges can carry. The flow to each input is found by itself, so that those of one state add up to more
    than what leaves it; here each row is divided by its sum.

    It takes much longer than a rollout: of n positions, n maximum flows for each query.

    Args:
        layers: weights of self-attention, [heads, positions, positions] each, the first layer first.
        residual: share of a state that comes past the attention.
        queries: of which states; all of them by default.
        each: is told how many maximum flows are done, and of how many.

    Returns:
        [queries, positions]; a row sums to one.

    Raises:
        ValueError: see `rollout`.

    Example:
        >>> swap = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> flow([swap, swap], residual=0.25)
        tensor([[0.6667, 0.3333],
                [0.3333, 0.6667]])
    """
    capacities = torch.stack(residual_mix(layers, residual, "flow")).double()
    positions = capacities.shape[-1]
    states = range(positions) if queries is None else queries
    together = max(1, _AT_ONCE // capacities.numel())
    rows = []
    for done, query in enumerate(states):
        found = []
        for sinks in chunks(range(positions), together):
            each(done * positions + sinks[0], len(states) * positions)
            found.append(maximum_flows(capacities, query, sinks))
        row = torch.cat(found)
        rows.append(row / row.sum().clamp_min(_NOTHING))
    return torch.stack(rows).to(layers[0].dtype)


def maximum_flows(capacities: Tensor, query: int, sinks: Sequence[int]) -> Tensor:
    """Exact maximum flows from one state of the top level to some of the bottom, side by side.

    Excess is pushed along shortest ways to the sink (preflow-push, Goldberg & Tarjan 1988, with exact
    distances); what cannot reach it stays where it is, as only the value is wanted.

    Args:
        capacities: [layers, n, n], of the edge from state i above to state j below; the lowest layer first.
        query: the state of the top level.
        sinks: states of the bottom level.

    Returns:
        [sinks].

    Example:
        >>> maximum_flows(torch.tensor([[[0.5, 0.5], [0.0, 1.0]]]).double(), 0, [0, 1])
        tensor([0.5000, 0.5000], dtype=torch.float64)
    """
    layers, n, _ = capacities.shape
    batch = torch.arange(len(sinks))
    carried = capacities.new_zeros(len(sinks), layers, n, n)
    excess = capacities.new_zeros(len(sinks), layers + 1, n)
    carried[:, -1, query] = capacities[-1, query]
    excess[:, -2] = capacities[-1, query]
    goal = torch.zeros_like(excess, dtype=torch.bool)
    goal[batch, 0, list(sinks)] = True
    while True:
        distance = _distances(capacities, carried, goal, query)
        waiting = (excess > _NOTHING) & torch.isfinite(distance) & ~goal
        if not bool(waiting.any()):
            return excess[goal]
        # Along shortest ways no push undoes another, and each comes nearer: it ends.
        while _push(capacities, carried, excess, distance, goal):
            pass


def _distances(capacities: Tensor, carried: Tensor, goal: Tensor, query: int) -> Tensor:
    """How many edges that can carry more each state is from its sink, [sinks, levels, n]; else infinite."""
    distance = torch.where(goal, 0.0, torch.inf).to(capacities.dtype)
    down = torch.where(capacities - carried > _NOTHING, 1.0, torch.inf)
    up = torch.where(carried > _NOTHING, 1.0, torch.inf)
    while True:
        before = distance.clone()
        for level in range(len(capacities)):
            below = (down[:, level] + distance[:, level, None, :]).amin(-1)
            distance[:, level + 1] = torch.minimum(distance[:, level + 1], below)
            distance[:, -1, query] = torch.inf  # nothing goes back to where it came from
        for level in reversed(range(len(capacities))):
            above = (up[:, level] + distance[:, level + 1, :, None]).amin(-2)
            distance[:, level] = torch.minimum(distance[:, level], above)
        if torch.equal(before, distance):
            return distance


def _push(capacities: Tensor, carried: Tensor, excess: Tensor, distance: Tensor, goal: Tensor) -> bool:
    """Moves excess one edge nearer to the sinks, in all states at once; whether anything moved."""
    known = distance.masked_fill(torch.isinf(distance), torch.nan)  # no farther than any other
    above, below = known[:, 1:, :, None], known[:, :-1, None, :]
    down = torch.where(above == below + 1, capacities - carried, 0.0)
    up = torch.where(below == above + 1, carried, 0.0).transpose(-2, -1)
    # Of each state: first what goes down, then what goes up, as long as there is excess.
    room = torch.cat([_padded(down, top=False), _padded(up, top=True)], -1)
    held = torch.where(goal, 0.0, excess)[..., None]
    moved = torch.minimum(room, (held - room.cumsum(-1) + room).clamp_min(0.0))
    if float(moved.max()) <= _NOTHING:
        return False
    n = excess.shape[-1]
    sent_down, sent_up = moved[:, 1:, :, :n], moved[:, :-1, :, n:]
    carried += sent_down - sent_up.transpose(-2, -1)
    excess -= moved.sum(-1)
    excess[:, :-1] += sent_down.sum(-2)
    excess[:, 1:] += sent_up.sum(-2)
    return True


def _padded(edges: Tensor, *, top: bool) -> Tensor:
    """Edges [sinks, layers, n, n] for each level: the bottom has none down, the top none up."""
    none = torch.zeros_like(edges[:, :1])
    return torch.cat([edges, none] if top else [none, edges], 1)

"""The figures of all heads of a model, over many inputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from regard.lens.map import AttentionMap
from regard.lens.measures.heads import confidence, entropy, mean_distance, relative_entropy
from regard.lens.measures.redundancy import clusters, divergence
from regard.lens.measures.roles import BAR, MARGIN, role_masks
from regard.lens.measures.rows import Rows

_FEWEST = 5  # rows on which a role can be played, before a head is said to play it


@dataclass(frozen=True)
class HeadFigures:
    """One head.

    Attributes:
        place: where it is.
        head: its number.
        role: what it does, or None where nothing is above the bar; see `regard.lens.measures.roles`.
        share: of its attention that goes to its role, on rows where it can; to the nearest if it has none.
        chance: what even attention would give to that.
        nearest: the role that ``share`` is of.
        entropy: of a row, in bits.
        relative_entropy: as a share of what it could be; None where no row had a choice.
        distance: in positions.
        confidence: the largest weight of a row.
        cluster: heads of one place with one number look alike.
        shares: of every role that could be played, its share and its chance.
    """

    place: str
    head: int
    role: str | None
    share: float
    chance: float
    nearest: str
    entropy: float
    relative_entropy: float | None
    distance: float
    confidence: float
    cluster: int
    shares: dict[str, tuple[float, float]] = field(repr=False)


@dataclass(frozen=True)
class HeadTable:
    """Every head.

    Attributes:
        heads: in the model's order.
        inputs: how many were measured.
        rows: how many rows were, at the place with the most.
        apart: by place, how unlike its heads look: [heads, heads], in bits.
    """

    heads: tuple[HeadFigures, ...]
    inputs: int
    rows: int
    apart: dict[str, Tensor] = field(repr=False)

    @property
    def places(self) -> dict[str, list[HeadFigures]]:
        """The heads of each place."""
        found: dict[str, list[HeadFigures]] = defaultdict(list)
        for head in self.heads:
            found[head.place].append(head)
        return dict(found)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        heads = []
        for head in self.heads:
            record = asdict(head)
            record["shares"] = {
                role: {"share": share, "chance": chance} for role, (share, chance) in head.shares.items()
            }
            heads.append(record)
        return {
            "inputs": self.inputs,
            "rows": self.rows,
            "bar": BAR,
            "margin": MARGIN,
            "heads": heads,
            "divergence": {place: apart.tolist() for place, apart in self.apart.items()},
        }


class HeadMeasures:
    """Adds up figures over inputs; what it holds does not grow with them.

    Example:
        >>> from regard.lens import Tokens
        >>> axis = Tokens.of("abcdefgh")
        >>> previous = torch.eye(8).roll(1, 0)
        >>> previous[0] = torch.eye(8)[0]
        >>> measures = HeadMeasures()
        >>> measures.add([AttentionMap("encoder.0.self", previous[None], axis, axis)])
        >>> head = measures.table().heads[0]
        >>> head.role, head.share, round(head.distance, 3)
        ('previous', 1.0, 0.875)
    """

    def __init__(self) -> None:
        self._inputs = 0
        self._places: dict[str, _Place] = {}

    def add(self, maps: Iterable[AttentionMap | Rows]) -> None:
        """Takes in what was seen of one input, at every place."""
        self._inputs += 1
        for one in maps:
            rows = Rows.of(one) if isinstance(one, AttentionMap) else one
            if rows.weights.numel():
                self._places.setdefault(rows.name, _Place(len(rows.weights))).add(rows)

    def table(self) -> HeadTable:
        """The means over all rows of all inputs.

        Raises:
            ValueError: nothing was added, or nothing with a row.
        """
        if not self._places:
            raise ValueError("there is no head to measure: no input had a row of attention")
        heads = [figures for name, place in self._places.items() for figures in place.figures(name)]
        apart = {name: place.apart / place.rows for name, place in self._places.items()}
        return HeadTable(
            tuple(heads), self._inputs, max(place.rows for place in self._places.values()), apart
        )


class _Place:
    """Sums over the rows of one place."""

    def __init__(self, heads: int) -> None:
        self.rows = 0
        self.apart = torch.zeros(heads, heads, dtype=torch.float64)
        self._sums = {
            name: torch.zeros(heads, dtype=torch.float64) for name in ("bits", "far", "sure", "even")
        }
        self._choosing = 0
        self._shares: dict[str, Tensor] = {}
        self._chances: dict[str, float] = defaultdict(float)
        self._able: dict[str, int] = defaultdict(int)

    def add(self, rows: Rows) -> None:
        weights = rows.weights.double()
        count = weights.shape[1]
        self.rows += count
        self.apart += divergence(weights) * count
        seen = rows.visible
        even = relative_entropy(weights, seen)
        choosing = ~even[0].isnan()
        self._choosing += int(choosing.sum())
        for name, values in (
            ("bits", entropy(weights)),
            ("far", mean_distance(weights, rows.positions)),
            ("sure", confidence(weights)),
            ("even", even[:, choosing]),
        ):
            self._sums[name] += values.sum(1)
        total = weights.sum(-1).clamp_min(torch.finfo(weights.dtype).tiny)
        for role, mask in role_masks(rows).items():
            mask = mask & seen
            # A row that can look nowhere else plays no role.
            able = mask.any(-1) & (seen & ~mask).any(-1)
            if not able.any():
                continue
            given = (weights * mask).sum(-1) / total
            self._shares.setdefault(role, torch.zeros(len(weights), dtype=torch.float64))
            self._shares[role] += given[:, able].sum(1)
            self._chances[role] += float((mask.sum(-1) / seen.sum(-1).clamp_min(1))[able].sum())
            self._able[role] += int(able.sum())

    def figures(self, name: str) -> list[HeadFigures]:
        alike = clusters(self.apart / self.rows)
        return [self._head(name, head, alike[head]) for head in range(len(self.apart))]

    def _head(self, name: str, head: int, cluster: int) -> HeadFigures:
        shares = {
            role: (float(sums[head]) / self._able[role], self._chances[role] / self._able[role])
            for role, sums in self._shares.items()
        }
        known = {role: one for role, one in shares.items() if self._able[role] >= _FEWEST}
        # By how much it is more than even attention would give: what is everywhere is no role.
        nearest = max(known, key=lambda role: known[role][0] - known[role][1], default="")
        share, chance = known.get(nearest, (0.0, 0.0))
        means = {figure: float(sums[head]) / self.rows for figure, sums in self._sums.items()}
        return HeadFigures(
            name,
            head,
            nearest if share >= BAR and share - chance >= MARGIN else None,
            share,
            chance,
            nearest,
            means["bits"],
            float(self._sums["even"][head]) / self._choosing if self._choosing else None,
            means["far"],
            means["sure"],
            cluster,
            shares,
        )

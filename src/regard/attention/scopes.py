"""Scopes: where a query may look. They compose: ``Causal() & Padding(mask)``.

A scope answers for any rectangle of the score matrix (a :class:`Block`), so that a kernel can ask for a
few rows or a few keys at a time and nobody has to hold the mask of everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of the score matrix: some query rows against a run of keys.

    Attributes:
        rows: which queries of the call, a range or a 1-D integer tensor.
        keys: which keys.
        first: position of query 0 among the keys.
        device: where masks are built.
        centre: [batch, heads, rows], the centres that a local-p scope predicted.
    """

    rows: range | Tensor
    keys: range
    first: int
    device: torch.device
    centre: Tensor | None = None

    @property
    def ends(self) -> tuple[int, int] | None:
        """Position of the first and of the last row; None when the rows are a tensor."""
        if isinstance(self.rows, range):
            return self.first + self.rows.start, self.first + self.rows.stop - 1
        return None

    def positions(self) -> Tensor:
        """[rows] position of each query among the keys."""
        if isinstance(self.rows, range):
            return torch.arange(self.first + self.rows.start, self.first + self.rows.stop, device=self.device)
        return self.rows + self.first

    def key_positions(self) -> Tensor:
        """[keys] index of each key."""
        return torch.arange(self.keys.start, self.keys.stop, device=self.device)


class Scope:
    """Base of all scopes; by itself it lets every query see every key.

    Attributes:
        positional: whether positions alone decide, the same for every row of the batch and every head.
    """

    positional = False

    @property
    def parts(self) -> tuple[Scope, ...]:
        """The scopes that this one is made of."""
        return (self,)

    def __and__(self, other: Scope) -> Scope:
        """Only the keys that both allow."""
        if isinstance(other, Global):
            return self
        if isinstance(self, Global):
            return other
        return All((*self.parts, *other.parts))

    def allowed(self, block: Block) -> Tensor | None:
        """Boolean, broadcastable to [batch, heads, rows, keys] of the block; None: all of it is allowed."""
        return None

    def allowed_at(self, block: Block, index: Tensor) -> Tensor | None:
        """The same where each row looks at keys of its own, `index` [batch or 1, heads or 1, rows, some]."""
        return None

    def reach(self, first: int, last: int, keys: int) -> range:
        """The run of keys, of `keys`, outside which queries at positions first…last can see nothing."""
        return range(keys)

    def span(self, keys: int) -> int:
        """The most keys, of `keys`, that one query may see by its position."""
        return keys

    def may_be_empty(self, block: Block) -> bool:
        """Whether some row of a block of all the keys may have no key to look at."""
        return False


def _may_miss(scope: Scope, block: Block) -> bool:
    """Whether windows miss the keys; they move with the query, so the first and the last tell."""
    return block.ends is None or not all(scope.reach(end, end, block.keys.stop) for end in block.ends)


def _look_up(table: Tensor, index: Tensor) -> Tensor:
    """table [batch, keys] at index [batch or 1, heads or 1, rows, some]."""
    rows = torch.arange(table.shape[0], device=table.device)[:, None, None, None]
    return table[rows, index]


class Global(Scope):
    """Every query sees every key.

    Example:
        >>> Global() & Causal()
        Causal()
    """

    positional = True

    def __repr__(self) -> str:
        return "Global()"


def _join(masks: Iterable[Tensor | None]) -> Tensor | None:
    joined: Tensor | None = None
    for mask in masks:
        if mask is not None:
            joined = mask if joined is None else joined & mask
    return joined


class All(Scope):
    """What several scopes allow together; made by ``&``.

    Example:
        >>> len((Causal() & Window(2)).parts)
        2
    """

    def __init__(self, parts: Sequence[Scope]) -> None:
        self._parts = tuple(parts)
        self.positional = all(part.positional for part in self._parts)

    @property
    def parts(self) -> tuple[Scope, ...]:
        """The scopes joined, in order."""
        return self._parts

    def allowed(self, block: Block) -> Tensor | None:
        """Allowed by every part."""
        return _join(part.allowed(block) for part in self._parts)

    def allowed_at(self, block: Block, index: Tensor) -> Tensor | None:
        """Allowed by every part."""
        return _join(part.allowed_at(block, index) for part in self._parts)

    def reach(self, first: int, last: int, keys: int) -> range:
        """Where the reaches of all parts overlap."""
        spans = [part.reach(first, last, keys) for part in self._parts]
        start = max(span.start for span in spans)
        return range(start, max(start, min(span.stop for span in spans)))

    def span(self, keys: int) -> int:
        """The narrowest part's."""
        return min(part.span(keys) for part in self._parts)

    def may_be_empty(self, block: Block) -> bool:
        """Of positions that is known; otherwise two scopes may have nothing in common."""
        parts = any(part.may_be_empty(block) for part in self._parts)
        return not self.positional or parts or _may_miss(self, block)

    def __repr__(self) -> str:
        return " & ".join(map(repr, self._parts))


class Band(Scope):
    """Keys from `before` places before the query's position to `after` places after it.

    Raises:
        ValueError: a negative reach.

    Example:
        >>> Band(1, 0).reach(4, 5, keys=10)
        range(3, 6)
    """

    positional = True

    def __init__(self, before: int, after: int) -> None:
        if before < 0 or after < 0:
            raise ValueError(
                f"a window reaches {before} keys back and {after} ahead: neither may be negative"
            )
        self.before = before
        self.after = after

    def allowed(self, block: Block) -> Tensor | None:
        """|position - key| within the band."""
        ends = block.ends
        if ends and ends[1] - self.before <= block.keys.start and ends[0] + self.after >= block.keys.stop - 1:
            return None
        return self.allowed_at(block, block.key_positions()[None, :])

    def allowed_at(self, block: Block, index: Tensor) -> Tensor:
        """|position - key| within the band."""
        offset = index - block.positions()[:, None]
        return (offset >= -self.before) & (offset <= self.after)

    def reach(self, first: int, last: int, keys: int) -> range:
        """From `before` the first query to `after` the last."""
        start = min(max(first - self.before, 0), keys)
        return range(start, max(start, min(last + self.after + 1, keys)))

    def span(self, keys: int) -> int:
        """before + 1 + after."""
        return min(keys, self.before + 1 + self.after)

    def may_be_empty(self, block: Block) -> bool:
        """A query far outside the keys sees none."""
        return _may_miss(self, block)


class Causal(Scope):
    """Only keys at or before the query's own position.

    With fewer queries than keys the last query sees every key (the queries are the newest of a cache);
    ``first_query`` of :func:`attend` overrides that.

    Example:
        >>> Causal().allowed(Block(range(2), range(3), 1, torch.device("cpu")))
        tensor([[ True,  True, False],
                [ True,  True,  True]])
    """

    positional = True

    def allowed(self, block: Block) -> Tensor | None:
        """position >= key."""
        ends = block.ends
        if ends and ends[0] >= block.keys.stop - 1:
            return None
        return self.allowed_at(block, block.key_positions()[None, :])

    def allowed_at(self, block: Block, index: Tensor) -> Tensor:
        """position >= key."""
        return block.positions()[:, None] >= index

    def reach(self, first: int, last: int, keys: int) -> range:
        """Up to the last query."""
        return range(min(max(last + 1, 0), keys))

    def may_be_empty(self, block: Block) -> bool:
        """A query before the first key sees none."""
        return _may_miss(self, block)

    def __repr__(self) -> str:
        return "Causal()"


class Window(Band):
    """A fixed window: keys at most `before` places back and `after` places ahead (default: the same).

    ``Window(d) & Causal()`` is a sliding window over the past, of d + 1 keys.

    Example:
        >>> Window(1).allowed(Block(range(3), range(3), 0, torch.device("cpu"))).int()
        tensor([[1, 1, 0],
                [1, 1, 1],
                [0, 1, 1]], dtype=torch.int32)
    """

    def __init__(self, before: int, after: int | None = None) -> None:
        super().__init__(before, before if after is None else after)

    def __repr__(self) -> str:
        return f"Window({self.before}, {self.after})"


class LocalMonotonic(Band):
    """Target word t looks at source words t - window … t + window (Luong et al. 2015, §3.2 "local-m").

    Unlike :class:`Window` it counts queries from 0 by default, since source and target are two sentences.

    Example:
        >>> LocalMonotonic(10)
        LocalMonotonic(10)
    """

    def __init__(self, window: int) -> None:
        super().__init__(window, window)

    def __repr__(self) -> str:
        return f"LocalMonotonic({self.before})"


class Others(Scope):
    """Every key but the one at the query's own position (Lee et al. 2021, §3.2 "diagonal masking").

    A state is most like itself: what it would give to itself here goes to the others.

    Example:
        >>> Others().allowed(Block(range(2), range(3), 1, torch.device("cpu"))).int()
        tensor([[1, 0, 1],
                [1, 1, 0]], dtype=torch.int32)
    """

    positional = True

    def allowed(self, block: Block) -> Tensor | None:
        """position != key."""
        ends = block.ends
        if ends and (ends[1] < block.keys.start or ends[0] >= block.keys.stop):
            return None
        return self.allowed_at(block, block.key_positions()[None, :])

    def allowed_at(self, block: Block, index: Tensor) -> Tensor:
        """position != key."""
        return block.positions()[:, None] != index

    def reach(self, first: int, last: int, keys: int) -> range:
        """All of the keys; a single query at the first or the last of them does not reach that one."""
        start = int(first == last == 0)
        return range(start, max(start, keys - int(first == last == keys - 1)))

    def may_be_empty(self, block: Block) -> bool:
        """A query that is the only key sees none, be it the first, the last or one between."""
        ends = block.ends
        alone = block.keys.stop == 1 and (ends is None or ends[0] <= 0 <= ends[1])
        return alone or _may_miss(self, block)

    def __repr__(self) -> str:
        return "Others()"


class Padding(Scope):
    """Only real keys.

    Args:
        mask: [batch, keys] boolean, True for a real key.

    Attributes:
        full: whether every key is real; None where that was not asked.

    Raises:
        ValueError: the mask is not boolean or not of two dimensions.

    Example:
        >>> Padding(torch.tensor([[True, True, False]])).allowed(
        ...     Block(range(1), range(3), 0, torch.device("cpu")))
        tensor([[[[ True,  True, False]]]])
    """

    def __init__(self, mask: Tensor) -> None:
        if mask.dtype != torch.bool or mask.dim() != 2:
            raise ValueError(
                f"padding takes a boolean mask [batch, keys], True for a real key; was given {mask.dtype} "
                f"{list(mask.shape)}"
            )
        self.mask = mask
        # Worth knowing and free on a CPU; elsewhere asking would stall the device, so nothing is assumed.
        asks = mask.device.type == "cpu" and not torch.compiler.is_compiling()
        self.full = bool(mask.all()) if asks else None
        self._empty_row = not asks or not bool(mask.any(-1).all())

    def allowed(self, block: Block) -> Tensor | None:
        """[batch, 1, 1, keys]."""
        if self.full:
            return None
        mask = self.mask[:, None, None, :]
        if block.keys.start == 0 and block.keys.stop == self.mask.shape[1]:
            return mask
        return mask[..., block.keys.start : block.keys.stop]

    def allowed_at(self, block: Block, index: Tensor) -> Tensor | None:
        """Whether the keys are real."""
        return None if self.full else _look_up(self.mask, index)

    def may_be_empty(self, block: Block) -> bool:
        """Some row may be padding only."""
        return self._empty_row

    def __repr__(self) -> str:
        return f"Padding(mask {list(self.mask.shape)})"


class Documents(Scope):
    """Several documents packed in one row: a query sees its own document only.

    Args:
        keys: [batch, keys] integers, the number of the document that each key belongs to.
        queries: [batch, queries]; by default read from `keys` at the queries' positions.

    Raises:
        ValueError: not integers of two dimensions.

    Example:
        >>> Documents(torch.tensor([[7, 7, 8]])).allowed(
        ...     Block(range(3), range(3), 0, torch.device("cpu")))[0, 0].int()
        tensor([[1, 1, 0],
                [1, 1, 0],
                [0, 0, 1]], dtype=torch.int32)
    """

    def __init__(self, keys: Tensor, queries: Tensor | None = None) -> None:
        for name, ids in (("keys", keys), ("queries", queries)):
            if ids is not None and (ids.dim() != 2 or ids.is_floating_point() or ids.dtype == torch.bool):
                raise ValueError(
                    f"documents takes integers [batch, {name}], was given {ids.dtype} {list(ids.shape)}"
                )
        self.keys = keys
        self.queries = queries

    def allowed(self, block: Block) -> Tensor | None:
        """[batch, 1, rows, keys]."""
        ids = self._of_queries(block)
        return ids[:, None, :, None] == self.keys[:, None, None, block.keys.start : block.keys.stop]

    def allowed_at(self, block: Block, index: Tensor) -> Tensor:
        """Whether the keys are of the query's document."""
        return self._of_queries(block)[:, None, :, None] == _look_up(self.keys, index)

    def _of_queries(self, block: Block) -> Tensor:
        if self.queries is None:
            return self.keys[:, block.positions()]
        if isinstance(block.rows, range):
            return self.queries[:, block.rows.start : block.rows.stop]
        return self.queries[:, block.rows]

    def may_be_empty(self, block: Block) -> bool:
        """Only queries with numbers of their own may find no key."""
        return self.queries is not None

    def __repr__(self) -> str:
        return f"Documents(keys {list(self.keys.shape)})"

"""The one door to attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from regard.attention.autocast import autocast_dtype, without_autocast
from regard.attention.combinations import refuse_nonsense
from regard.attention.kernels import table
from regard.attention.kernels.rows import weights_of_rows
from regard.attention.local_predictive import LocalPredictive
from regard.attention.problem import Problem
from regard.attention.scopes import (
    Causal,
    Documents,
    Global,
    LocalMonotonic,
    Padding,
    Scope,
    Window,
)
from regard.attention.scores import Folded, ScaledDot, Score
from regard.attention.selections import Selection, Soft

_GLOBAL = Global()
_SCALED_DOT = ScaledDot()
_SOFT = Soft()


@dataclass(frozen=True, slots=True)
class Attended:
    """What attention gives.

    Attributes:
        context: [batch, heads, queries, value_dim].
        weights: [batch, heads, rows, keys], before dropout, where rows were asked for; else None.
        log_probability: [batch, heads, queries] of the key that a hard selection took (0 where there was
            none); else None.
    """

    context: Tensor
    weights: Tensor | None = None
    log_probability: Tensor | None = None


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    score: Score = _SCALED_DOT,
    scope: Scope = _GLOBAL,
    selection: Selection = _SOFT,
    slopes: Tensor | None = None,
    dropout: float = 0.0,
    first_query: int | None = None,
    rows: Literal["all"] | Tensor | None = None,
    kernel: str | None = None,
    training: bool = False,
    prepared: bool = False,
) -> Attended:
    """Let every query read from the values of the keys that it is like.

    A query with no key to look at reads zeros. Several query heads may share a key and value head
    (`heads` a multiple of `kv_heads`: grouped heads, Ainslie et al. 2023). Derivatives of derivatives are
    for the kernels *reference*, *windowed* and *gathered*.

    Args:
        query: [batch, heads, queries, dim].
        key: [batch, kv_heads, keys, dim]; of an additive score its heads may be others than the value's.
        value: [batch, kv_heads, keys, value_dim].
        score: how alike a query and a key are.
        scope: where a query may look.
        selection: how scores become weights.
        slopes: [heads], ALiBi's: slope · |position - key| is taken from the scores (Press et al. 2022, §3).
        dropout: probability with which a weight is dropped while training.
        first_query: position of query 0 among the keys. By default the queries are the last positions
            (keys - queries), and 0 for local-m and local-p without Causal or Window.
        rows: None for no weights, "all", or a 1-D integer tensor: the query rows whose weights are wanted.
        kernel: a name from the table, to force it; None to let the table choose.
        training: drop and draw.
        prepared: the keys went through ``score.prepare`` already (a decoder that reads the same keys at
            every step does that once).

    Raises:
        ValueError: shapes that do not fit, a combination that makes no sense, a kernel that cannot serve.

    Example:
        >>> query, key, value = torch.zeros(1, 2, 3, 4), torch.zeros(1, 1, 5, 4), torch.ones(1, 1, 5, 6)
        >>> attend(query, key, value).context.shape
        torch.Size([1, 2, 3, 6])
        >>> attend(query, key, value, scope=Causal(), rows=torch.tensor([0])).weights[0, 0]
        tensor([[0.3333, 0.3333, 0.3333, 0.0000, 0.0000]])
    """
    _check_shapes(query, key, value, slopes)
    if not 0.0 <= dropout < 1.0:
        raise ValueError(f"dropout of attention weights is a probability below 1, was given {dropout}")
    dropout = dropout if training else 0.0
    refuse_nonsense(scope, selection, dropout)
    dtype = autocast_dtype(query.device)
    if dtype is not None:
        # As torch does, float64 is left alone.
        query, key, value = (x if x.dtype == torch.float64 else x.to(dtype) for x in (query, key, value))
    # Softmax and its like would be cast to float32 and back by autocast; the kernels know what they need.
    with without_autocast(query.device):
        folded = score.fold(query, key, prepared)
        _check_heads(folded, value)
        queries, keys = query.shape[2], key.shape[2]
        first = position_of_first_query(scope, queries, keys) if first_query is None else first_query
        predictive, centre = _look_at_scope(scope, query, key, first)
        problem = Problem(
            query=folded.query,
            key=folded.key,
            value=value,
            scale=folded.scale,
            vector=folded.vector,
            scope=scope,
            selection=selection,
            slopes=slopes,
            dropout=dropout,
            first=first,
            predictive=predictive,
            centre=centre,
            training=training,
        )
        chosen = table.choose(table.case_of(problem)) if kernel is None else table.forced(kernel, problem)
        solution = table.KERNELS[chosen](problem)
        weights = None if rows is None else _rows(problem, solution.weights, rows)
    return Attended(solution.context, weights, solution.log_probability)


def _look_at_scope(
    scope: Scope, query: Tensor, key: Tensor, first: int
) -> tuple[LocalPredictive | None, Tensor | None]:
    """Check that masks fit; the local-p part of the scope and the centres that it predicts, if it has one."""
    predictive = None
    for part in scope.parts:
        if isinstance(part, LocalPredictive):
            predictive = part
        elif isinstance(part, (Padding, Documents)):
            _check_mask(part, query, key, first)
    if predictive is None:
        return None, None
    return predictive, predictive.centres(query, *_real_keys(scope, key.shape[2]))


def _rows(problem: Problem, known: Tensor | None, rows: Literal["all"] | Tensor) -> Tensor:
    queries = problem.query.shape[2]
    if isinstance(rows, str):
        if rows != "all":
            raise ValueError(f"rows is None, 'all' or a tensor of query rows, not {rows!r}")
        return weights_of_rows(problem, range(queries)) if known is None else known
    if rows.dim() != 1 or rows.is_floating_point() or rows.dtype == torch.bool:
        raise ValueError(f"rows takes a 1-D integer tensor, was given {rows.dtype} {list(rows.shape)}")
    rows = rows.to(problem.query.device, torch.long)
    if rows.numel() and not 0 <= int(rows.min()) <= int(rows.max()) < queries:
        raise ValueError(f"rows {rows.tolist()} are not all among the {queries} queries")
    return weights_of_rows(problem, rows) if known is None else known[:, :, rows]


def position_of_first_query(scope: Scope, queries: int, keys: int) -> int:
    """Where query 0 stands among the keys, if nobody says; see ``first_query`` of :func:`attend`.

    Example:
        >>> position_of_first_query(Causal(), 2, 5)
        3
    """
    crosses = False
    for part in scope.parts:
        if isinstance(part, (Causal, Window)):
            return keys - queries
        crosses = crosses or isinstance(part, (LocalMonotonic, LocalPredictive))
    return 0 if crosses else keys - queries


def _real_keys(scope: Scope, keys: int) -> tuple[Tensor | int, Tensor | int]:
    """How many keys of each row are real, and which is the first."""
    mask = None
    for part in scope.parts:
        if isinstance(part, Padding):
            mask = part.mask if mask is None else mask & part.mask
    return (keys, 0) if mask is None or not keys else (mask.sum(-1), mask.to(torch.uint8).argmax(-1))


def _check_shapes(query: Tensor, key: Tensor, value: Tensor, slopes: Tensor | None) -> None:
    q, k, v = query.shape, key.shape, value.shape
    fit = len(q) == len(k) == len(v) == 4 and q[0] == k[0] == v[0] and k[2] == v[2]
    if not fit or any(not heads or q[1] % heads for heads in (k[1], v[1])):
        raise ValueError(
            "attention takes query [batch, heads, queries, dim], key [batch, kv_heads, keys, dim] and value "
            "[batch, kv_heads, keys, value_dim], with heads a multiple of kv_heads; was given "
            f"{list(q)}, {list(k)} and {list(v)}"
        )
    if slopes is not None and slopes.shape != q[1:2]:
        raise ValueError(
            f"slopes takes one number for each of the {q[1]} heads, was given {list(slopes.shape)}"
        )


def _check_heads(folded: Folded, value: Tensor) -> None:
    """A product's keys are grouped as its values are; those of an additive score may be prepared by head."""
    key_heads, value_heads = folded.key.shape[1], value.shape[1]
    if folded.vector is None and key_heads != value_heads:
        raise ValueError(
            f"a product of queries and keys needs as many key heads as value heads, was given {key_heads} "
            f"and {value_heads}"
        )


def _check_mask(part: Padding | Documents, query: Tensor, key: Tensor, first: int) -> None:
    queries, keys = query.shape[2], key.shape[2]
    given = part.mask if isinstance(part, Padding) else part.keys
    if given.shape != (key.shape[0], keys):
        raise ValueError(f"{part!r} does not fit keys of batch {key.shape[0]} and length {keys}")
    if isinstance(part, Padding):
        return
    if part.queries is None:
        if first < 0 or first + queries > keys:
            raise ValueError(
                f"{queries} queries from position {first} on are not all among the {keys} keys, which "
                "would tell their documents: give Documents theirs, queries=[batch, queries]"
            )
    elif part.queries.shape != (query.shape[0], queries):
        raise ValueError(
            f"documents were given for queries {list(part.queries.shape)}, not {list(query.shape[:3:2])}"
        )

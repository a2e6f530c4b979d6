"""Scopes against their definitions, written out with loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from regard.attention import (
    Causal,
    Documents,
    Dot,
    Global,
    LocalMonotonic,
    LocalPredictive,
    Others,
    Padding,
    ScaledDot,
    Scope,
    Soft,
    Window,
    attend,
)


def seen(scope: Scope, queries: int, keys: int, **options: object) -> list[list[int]]:
    """Which keys each query of the first row gives any weight."""
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, queries, 4), torch.randn(2, 1, keys, 4)
    weights = attend(query, key, key, scope=scope, rows="all", **options).weights  # type: ignore[arg-type]
    assert weights is not None
    return [row.nonzero().flatten().tolist() for row in weights[0, 0]]


def test_causal_is_aligned_at_the_end_unless_told_otherwise() -> None:
    assert seen(Causal(), 2, 4) == [[0, 1, 2], [0, 1, 2, 3]]
    assert seen(Causal(), 2, 4, first_query=0) == [[0], [0, 1]]
    assert seen(Causal(), 4, 2) == [[], [], [0], [0, 1]]


def test_windows_count_from_the_querys_position() -> None:
    assert seen(Window(1), 2, 5) == [[2, 3, 4], [3, 4]]
    assert seen(Window(1, 0), 3, 3) == [[0], [0, 1], [1, 2]]
    assert seen(Window(1) & Causal(), 3, 3) == [[0], [0, 1], [1, 2]]
    assert seen(Window(0), 2, 2, first_query=5) == [[], []]


def test_others_leave_out_the_querys_own_position() -> None:
    assert seen(Others(), 3, 3) == [[1, 2], [0, 2], [0, 1]]
    assert seen(Others(), 2, 4) == [[0, 1, 3], [0, 1, 2]]  # the newest of a cache
    assert seen(Others(), 2, 2, first_query=5) == [[0, 1], [0, 1]]
    assert seen(Others(), 1, 1) == [[]]
    assert seen(Others() & Causal(), 3, 3) == [[], [0], [0, 1]]
    assert seen(Others() & Window(1, 0), 3, 3) == [[], [0], [1]]
    assert seen(Others() & Padding(torch.tensor([[True, False, False]] * 2)), 2, 3) == [[0], [0]]


@pytest.mark.parametrize("kernel", ["reference", "fused", "short", "windowed"])
def test_a_query_that_is_the_only_key_reads_zeros(kernel: str) -> None:
    states = torch.randn(2, 1, 1, 4, requires_grad=True)
    context = attend(states, states, states, scope=Others(), kernel=kernel).context
    assert (context == 0).all()
    (gradient,) = torch.autograd.grad(context.sum(), states)
    assert (gradient == 0).all()


def test_local_m_counts_from_the_first_query() -> None:
    assert seen(LocalMonotonic(1), 3, 5) == [[0, 1], [0, 1, 2], [1, 2, 3]]
    assert seen(LocalMonotonic(1), 1, 5, first_query=3) == [[2, 3, 4]]
    assert seen(LocalMonotonic(1), 5, 2) == [[0, 1], [0, 1], [1], [], []]
    assert seen(LocalMonotonic(1) & Causal(), 2, 4) == [[1, 2], [2, 3]]


def test_padding_and_documents() -> None:
    real = torch.tensor([[True, False, True], [False, False, False]])
    assert seen(Padding(real), 1, 3) == [[0, 2]]
    packed = Documents(torch.tensor([[4, 4, 9], [0, 0, 0]]))
    assert seen(packed & Causal(), 3, 3) == [[0], [0, 1], [2]]
    assert seen(Documents(torch.tensor([[4, 4, 9]] * 2), torch.tensor([[9, 5]] * 2)), 2, 3) == [[2], []]


def test_global_is_the_neutral_scope() -> None:
    causal = Causal()
    assert (Global() & causal) is causal
    assert (causal & Global()) is causal
    assert seen(Global(), 1, 2) == [[0, 1]]


def luong(scope: LocalPredictive, query: Tensor, key: Tensor, lengths: list[int]) -> Tensor:
    """Local-p weights exactly as in Luong et al. 2015, §3.2, equations 9 and 10, one number at a time."""
    weights = torch.zeros(query.shape[0], query.shape[2], key.shape[2], dtype=query.dtype)
    for row, length in enumerate(lengths):
        for place in range(query.shape[2]):
            h = query[row, 0, place]
            p = length * torch.sigmoid(scope.vector[0, :, 0] @ torch.tanh(h @ scope.weight[0]))
            near = [s for s in range(length) if p - scope.window <= s <= p + scope.window]
            alignment = torch.softmax(torch.stack([h @ key[row, 0, s] for s in near]), 0)
            sigma = scope.window / 2
            for share, s in zip(alignment, near, strict=True):
                weights[row, place, s] = share * math.exp(-((s - p.item()) ** 2) / (2 * sigma**2))
    return weights


@pytest.mark.parametrize("window", [1, 3, 10])
def test_local_p_is_luongs_formula(window: int) -> None:
    torch.manual_seed(0)
    scope = LocalPredictive(4, window).double()
    query, key = torch.randn(2, 1, 6, 4).double(), torch.randn(2, 1, 30, 4).double()
    lengths = [30, 11]
    real = torch.arange(30) < torch.tensor(lengths)[:, None]
    attended = attend(query, key, key, score=Dot(), scope=scope & Padding(real), rows="all")
    expected = luong(scope, query, key, lengths)
    assert attended.weights is not None
    torch.testing.assert_close(attended.weights[:, 0], expected)
    torch.testing.assert_close(attended.context[:, 0], expected @ key[:, 0])


def test_local_p_learns_where_to_look() -> None:
    torch.manual_seed(0)
    scope = LocalPredictive(4, 2)
    query, key = torch.randn(1, 1, 3, 4), torch.randn(1, 1, 40, 4)
    attend(query, key, key, scope=scope).context.sum().backward()
    for parameter in scope.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "scope",
    [Global(), LocalMonotonic(2), LocalPredictive(4, 1), LocalPredictive(4, 8)],
    ids=["global", "local-m", "local-p narrow", "local-p"],
)
def test_more_padding_changes_nothing(scope: Scope) -> None:
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 5, 4), torch.randn(2, 1, 7, 4)
    real = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    short = attend(query, key, key, scope=scope & Padding(real)).context
    longer = torch.cat([key, 1e3 * torch.randn(2, 1, 20, 4)], 2)
    padded = torch.nn.functional.pad(real, (0, 20))
    long = attend(query, longer, longer, scope=scope & Padding(padded)).context
    torch.testing.assert_close(long, short)


def test_alibi_takes_slope_times_distance_from_the_scores() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(1, 2, 3, 4), torch.randn(1, 2, 5, 4)
    slopes = torch.tensor([0.5, 0.25])
    distance = (torch.arange(2, 5)[:, None] - torch.arange(5)).abs()
    scores = query @ key.mT / 2 - slopes[:, None, None] * distance
    attended = attend(query, key, key, slopes=slopes, rows="all")
    torch.testing.assert_close(attended.weights, scores.softmax(-1))


def test_grouped_heads_are_repeated_heads() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(2, 6, 3, 4), torch.randn(2, 2, 5, 4)
    repeated = key.repeat_interleave(3, 1)
    for kernel in ("reference", "fused", "short", "windowed"):
        grouped = attend(query, key, key, kernel=kernel).context
        torch.testing.assert_close(grouped, attend(query, repeated, repeated, kernel=kernel).context)


@pytest.mark.parametrize("training", [False, True])
def test_rows_without_keys_read_zeros_and_send_back_zeros(training: bool) -> None:
    from generated import SELECTIONS, scores

    torch.manual_seed(0)
    real = torch.tensor([[False] * 5, [True] * 5])
    for selection in SELECTIONS.values():
        for score in (ScaledDot(), scores(1)["additive"]):
            query, key, value = (
                torch.randn(2, 1, 5, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)
            )
            attended = attend(
                query,
                key,
                value,
                score=score,
                scope=Padding(real),
                selection=selection,
                training=training,
                rows="all",
            )
            assert attended.weights is not None
            assert (attended.context[0] == 0).all()
            assert (attended.weights[0] == 0).all()
            total = attended.context.sum()
            if attended.log_probability is not None:
                assert (attended.log_probability[0] == 0).all()
                total = total + attended.log_probability.sum()
            total.backward()
            for leaf in (query, key, value):
                if leaf.grad is not None:
                    assert torch.isfinite(leaf.grad).all()
                    assert (leaf.grad[0] == 0).all()


@pytest.mark.parametrize("kernel", ["reference", "fused", "short", "windowed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_nan_in_training_floats(kernel: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    real = torch.tensor([[False] * 5, [False, False, True, True, True]])
    inputs = [torch.randn(2, 2, 5, 8).to(dtype).requires_grad_() for _ in range(3)]
    context = attend(*inputs, scope=Causal() & Padding(real), selection=Soft(), kernel=kernel).context
    assert (context[0] == 0).all()
    assert (context[1, :, :2] == 0).all()
    for gradient in torch.autograd.grad(context.float().sum(), inputs):
        assert torch.isfinite(gradient).all()

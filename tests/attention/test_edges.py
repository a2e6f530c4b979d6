"""Calls at the edge: no rows, no keys, nan, left padding, odd dtypes and devices."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from regard.attention import (
    Additive,
    Documents,
    Entmax15,
    General,
    Hard,
    LocalPredictive,
    Others,
    Padding,
    Scope,
    Sigmoid,
    Soft,
    Sparsemax,
    Window,
    attend,
)
from regard.attention.combinations import NONSENSE, Combination
from regard.attention.kernels.budget import OFF_CPU, budget

STATES = torch.randn(1, 1, 3, 4, generator=torch.Generator().manual_seed(0))
NOTHING = [(0, 3, 40), (2, 0, 40), (2, 3, 0)]
CALLS: dict[str, dict[str, Any]] = {
    **{kernel: {"kernel": kernel} for kernel in ("reference", "fused", "short", "windowed")},
    "windowed, window": {"kernel": "windowed", "scope": Window(1)},
    "gathered": {"scope": LocalPredictive(4, 2)},
    "gathered, asked for": {"scope": LocalPredictive(4, 2), "kernel": "gathered"},
    "general": {"score": General(4, 4, 2)},
    "additive": {"score": Additive(4, 4, 4, 2)},
    "sparsemax": {"selection": Sparsemax()},
    "entmax15": {"selection": Entmax15()},
    "sigmoid": {"selection": Sigmoid()},
    "hard": {"selection": Hard(), "training": True},
    "gumbel": {"selection": Hard("gumbel"), "training": True},
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("batch", "queries", "keys"), NOTHING, ids=["no rows", "no queries", "no keys"])
def test_nothing_to_do_is_done(name: str, batch: int, queries: int, keys: int) -> None:
    query = torch.randn(batch, 2, queries, 4, requires_grad=True)
    key, value = torch.randn(batch, 1, keys, 4), torch.randn(batch, 1, keys, 5, requires_grad=True)
    attended = attend(query, key, value, rows="all", **CALLS[name])
    assert attended.context.shape == (batch, 2, queries, 5)
    assert attended.weights is not None
    assert attended.weights.shape == (batch, 2, queries, keys)
    assert (attended.context == 0).all()
    attended.context.sum().backward()


def test_no_keys_and_a_mask_of_none() -> None:
    scope = LocalPredictive(4, 2) & Padding(torch.ones(2, 0, dtype=torch.bool))
    empty = torch.ones(2, 1, 0, 4)
    assert (attend(torch.ones(2, 1, 3, 4), empty, empty, scope=scope).context == 0).all()


@pytest.mark.parametrize("selection", [Sparsemax(), Entmax15()])
def test_nan_stays_nan(selection: Sparsemax | Entmax15) -> None:
    scores = torch.tensor([[torch.nan, 0.0], [1.0, 1.0]])
    weights, _ = selection.weigh(scores, False)
    assert weights[0].isnan().all()
    torch.testing.assert_close(weights[1], torch.full((2,), 0.5))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_rows_of_any_integer(dtype: torch.dtype) -> None:
    rows = [0, 2, 2]
    some = attend(STATES, STATES, STATES, rows=torch.tensor(rows, dtype=dtype)).weights
    all_of_them = attend(STATES, STATES, STATES, rows="all").weights
    assert some is not None
    assert all_of_them is not None
    torch.testing.assert_close(some, all_of_them[:, :, rows])


@pytest.mark.parametrize(("queries", "first"), [(5, None), (3, 1), (1, -1)])
def test_queries_beyond_the_keys_have_documents_of_their_own(queries: int, first: int | None) -> None:
    query, ids = torch.randn(1, 1, queries, 4), torch.tensor([[1, 1, 2]])
    with pytest.raises(ValueError, match="not all among the 3 keys"):
        attend(query, STATES, STATES, scope=Documents(ids), first_query=first)
    own = Documents(ids, torch.ones(1, queries, dtype=torch.long))
    assert attend(query, STATES, STATES, scope=own, first_query=first).context.shape[2] == queries


def weights_of(scope: Any, key: Tensor, query: Tensor = STATES) -> Tensor:
    weights = attend(query, key, key, scope=scope, rows="all").weights
    assert weights is not None
    return weights


@pytest.mark.parametrize("kernel", ["reference", "fused", "short", "windowed", None])
@pytest.mark.parametrize("scope", [Others(), Others() & Window(2)], ids=repr)
def test_a_query_between_others_may_be_the_only_key(kernel: str | None, scope: Scope) -> None:
    query = STATES.clone().requires_grad_()
    key = STATES[:, :, :1]
    context = attend(query, key, key, scope=scope, first_query=-1, kernel=kernel).context
    assert (context[0, 0, 1] == 0).all()
    torch.testing.assert_close(context[0, 0, 0], key[0, 0, 0])
    (gradient,) = torch.autograd.grad(context.sum(), query)
    assert gradient.isfinite().all()


def test_local_p_joins_all_paddings_in_any_order() -> None:
    local = LocalPredictive(4, 1)
    both = [Padding(torch.tensor([real])) for real in ([True] * 3, [True, False, False])]
    one, other = (weights_of(local & a & b, STATES) for a, b in (both, both[::-1]))
    torch.testing.assert_close(one, other)
    torch.testing.assert_close(one, weights_of(local & both[1], STATES))


@pytest.mark.parametrize("window", [1, 8])
def test_local_p_counts_from_the_first_real_key(window: int) -> None:
    torch.manual_seed(0)
    local, key = LocalPredictive(4, window), torch.randn(1, 1, 30, 4)
    real = torch.ones(1, 30, dtype=torch.bool)
    right, left = torch.nn.functional.pad(real, (0, 7)), torch.nn.functional.pad(real, (7, 0))
    padded = torch.nn.functional.pad(key, (0, 0, 0, 7)), torch.nn.functional.pad(key, (0, 0, 7, 0))
    expected = weights_of(local & Padding(right), padded[0])[..., :30]
    torch.testing.assert_close(weights_of(local & Padding(left), padded[1])[..., 7:], expected)


def test_autocast_leaves_float64_alone() -> None:
    wide = STATES.double()
    with torch.autocast("cpu", torch.bfloat16):
        context = attend(wide, wide, wide).context
    torch.testing.assert_close(context, attend(wide, wide, wide).context)


def test_shapes_can_be_asked_for_on_the_meta_device() -> None:
    states = STATES.to("meta")
    assert attend(states, states, states).context.shape == STATES.shape


def test_only_a_cpu_has_a_small_cache() -> None:
    assert budget(torch.device("cpu"), 9) == 9
    assert budget(torch.device("cuda"), 9) == OFF_CPU


def test_most_calls_need_no_look_at_the_rules() -> None:
    """What `refuse_nonsense` passes over unlooked."""
    for scope in (Window(2), Padding(torch.ones(1, 2, dtype=torch.bool))):
        for selection in (Soft(), Hard()):
            assert not any(applies(Combination(scope, selection, 0.0)) for applies, _ in NONSENSE)

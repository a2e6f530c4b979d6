"""No tensor is larger than what a kernel promises, forward or backward."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint

from regard.attention import (
    Additive,
    Causal,
    Documents,
    LocalMonotonic,
    LocalPredictive,
    Padding,
    ScaledDot,
    Score,
    Selection,
    Sigmoid,
    Sparsemax,
    Window,
    attend,
)


class _Largest(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):  # a view is no memory: its storage counts
                self.elements = max(self.elements, leaf.untyped_storage().nbytes() // leaf.element_size())
        return result


@contextmanager
def largest() -> Iterator[_Largest]:
    """The number of elements of the largest tensor made."""
    with _Largest() as mode:
        yield mode


QUERIES = KEYS = 1536
DIM = 8


def inputs(dtype: torch.dtype = torch.float32) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(1, 2, n, DIM, dtype=dtype, requires_grad=True) for n in (QUERIES, KEYS, KEYS)]


@pytest.mark.parametrize(
    "scope",
    [Window(15), Causal() & Window(31), LocalMonotonic(10), LocalPredictive(DIM, 8)],
    ids=["window", "sliding", "local-m", "local-p"],
)
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_windows_make_nothing_of_queries_times_keys(scope: Any, dropout: float) -> None:
    query, key, value = inputs()
    real = torch.ones(1, KEYS, dtype=torch.bool)
    real[:, -5:] = False
    with largest() as seen:
        attended = attend(query, key, value, scope=scope & Padding(real), dropout=dropout, training=True)
        attended.context.sum().backward()
    # The gathered kernel fetches 2**18 elements at a time; the rest is queries × window × heads.
    assert seen.elements <= 2 * QUERIES * 40 + 2**18 < 2 * QUERIES * KEYS


@pytest.mark.parametrize("selection", [Sparsemax(), Sigmoid()])
def test_other_selections_stay_within_windows_too(selection: Selection) -> None:
    query, key, value = inputs()
    with largest() as seen:
        attend(query, key, value, scope=Window(8), selection=selection).context.sum().backward()
    assert seen.elements <= 2**18 + 1


@pytest.mark.parametrize("scope", [Causal(), Window(10), Padding(torch.ones(1, KEYS, dtype=torch.bool))])
def test_additive_scores_make_nothing_of_queries_times_keys(scope: Any) -> None:
    query, key, value = inputs()
    score = Additive(DIM, DIM, 16)
    with largest() as seen:
        attend(query, key, value, score=score, scope=scope).context.sum().backward()
    assert seen.elements <= 2**18 < QUERIES * KEYS


def test_additive_scores_of_other_selections_make_nothing_of_queries_times_keys_times_hidden() -> None:
    query, key, value = (x[:, :, :300] for x in inputs())
    score = Additive(DIM, DIM, 16)
    with largest() as seen:
        attend(query, key, value, score=score, selection=Sparsemax()).context.sum().backward()
    assert seen.elements <= 2**18 < 2 * 300 * 300 * 16


def test_long_two_byte_training_makes_nothing_of_queries_times_keys() -> None:
    query, key, value = inputs(torch.bfloat16)
    with largest() as seen:
        attended = attend(query, key, value, scope=Causal(), dropout=0.1, training=True)
        attended.context.sum().backward()
    assert seen.elements <= 2 * 128 * KEYS


MASKED = {
    "causal": {"scope": Causal()},
    "causal padding": {"scope": Causal() & Padding(torch.arange(KEYS)[None] < KEYS - 5)},
    "causal documents": {"scope": Causal() & Documents((torch.arange(KEYS) // 500)[None])},
    "causal slopes": {"scope": Causal(), "slopes": torch.tensor([0.5, 0.25])},
    "nothing": {},
    "padding": {"scope": Padding(torch.arange(KEYS)[None] < KEYS - 5)},
}


@pytest.mark.parametrize("name", MASKED)
@pytest.mark.parametrize("value_dim", [DIM, 5])
def test_long_float32_makes_nothing_of_queries_times_keys(name: str, value_dim: int) -> None:
    query, key, value = inputs()
    with largest() as seen:
        attend(query, key, value[..., :value_dim], **MASKED[name]).context.sum().backward()  # type: ignore[arg-type]
    assert seen.elements <= 2 * 128 * KEYS < QUERIES * KEYS


def test_slopes_that_could_learn_are_given_to_the_same_kernel_where_nothing_learns() -> None:
    query, key, value = inputs()
    with torch.no_grad(), largest() as seen:
        attend(query, key, value, scope=Causal(), slopes=torch.ones(2, requires_grad=True))
    assert seen.elements <= 2 * 128 * KEYS


def test_slopes_that_learn_stay_within_windows_too() -> None:
    query, key, value = inputs()
    slopes = torch.ones(2, requires_grad=True)
    with largest() as seen:
        attend(query, key, value, scope=Window(8), slopes=slopes).context.sum().backward()
    assert slopes.grad is not None
    assert seen.elements <= 2**18 + 1


def test_weights_of_rows_of_additive_scores_hold_no_hidden_layer() -> None:
    query, key, value = inputs()
    rows = torch.arange(64)
    with largest() as seen:
        weights = attend(query, key, value, score=Additive(DIM, DIM, 16), rows=rows).weights
        assert weights is not None
        weights.square().sum().backward()
    assert seen.elements <= 2**18 < 2 * 64 * KEYS * 16


def test_weights_of_rows_cost_rows_times_keys() -> None:
    query, key, value = inputs()
    with torch.no_grad(), largest() as seen:
        weights = attend(query, key, value, scope=Causal(), rows=torch.tensor([5, 9])).weights
    assert weights is not None
    assert weights.shape == (1, 2, 2, KEYS)
    assert seen.elements <= 2 * QUERIES * DIM * 2


@pytest.mark.parametrize("kernel", ["reference", "fused", "short", "windowed", "additive"])
@pytest.mark.parametrize("checkpointed", [True, False])
def test_nothing_is_held_otherwise_than_autograd_holds_it(kernel: str, checkpointed: bool) -> None:
    seen: list[weakref.ref[Tensor]] = []
    score: Score = Additive(DIM, DIM, 16) if kernel == "additive" else ScaledDot()

    def block(x: Tensor) -> Tensor:
        query, key, value = (x * factor for factor in (1.0, 2.0, 3.0))
        seen.extend(map(weakref.ref, (query, key, value)))
        return attend(query, key, value, score=score, kernel=kernel).context

    x = torch.randn(1, 2, 9, DIM, requires_grad=True)
    if checkpointed:
        loss = checkpoint(block, x, use_reentrant=False).sum()
        assert [ref() for ref in seen] == [None] * 3
        loss.backward()
    else:
        loss = block(x).sum()
        loss.backward()
    assert [ref() for ref in seen] == [None] * len(seen)
    assert x.grad is not None
    assert loss.detach() != 0  # it lives, as a loop's does

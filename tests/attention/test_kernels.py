"""Every kernel gives what the reference gives: values and gradients, in float64."""

from __future__ import annotations

import pytest
import torch
from generated import SELECTIONS, WIDE, Call, calls
from hypothesis import given, settings
from torch import Tensor

from regard.attention import (
    Additive,
    Causal,
    Dot,
    LocalPredictive,
    Padding,
    ScaledDot,
    Soft,
    Window,
    attend,
)
from regard.attention.kernels import gathered, hidden, table, windowed

KERNELS = [name for name in table.KERNELS if name != "reference"]


@pytest.fixture(params=["as shipped", "tiny blocks"], scope="module")
def blocks(request: pytest.FixtureRequest) -> None:
    """Small tensors fit in one block; with tiny blocks they meet every seam."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "tiny blocks":
            patch.setattr(hidden, "BLOCK_ELEMENTS", 24)
            patch.setattr(gathered, "CHUNK_ELEMENTS", 24)
            patch.setattr(windowed, "SMALLEST_CHUNK", 2)
            patch.setattr(windowed, "LARGEST_CHUNK", 3)
            patch.setattr(table, "FEW_KEYS", 8)
            table.choose.cache_clear()
        yield
    table.choose.cache_clear()


def agree(call: Call, kernel: str | None) -> None:
    expected, expected_gradients = call.gradients(kernel="reference")
    context, gradients = call.gradients(kernel=kernel)
    torch.testing.assert_close(context, expected, rtol=1e-7, atol=1e-9)
    assert torch.isfinite(context).all()
    for given_, wanted in zip(gradients, expected_gradients, strict=True):
        assert torch.isfinite(given_).all()
        torch.testing.assert_close(given_, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.usefixtures("blocks")
@settings(max_examples=60, deadline=None)
@given(call=calls())
def test_the_chosen_kernel_agrees_with_the_reference(call: Call) -> None:
    agree(call, None)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("kernel", KERNELS)
@settings(max_examples=40, deadline=None)
@given(call=calls(("soft", "sparsemax", "sigmoid")))
def test_each_kernel_agrees_with_the_reference_or_says_that_it_cannot_serve(kernel: str, call: Call) -> None:
    try:
        call.run(kernel=kernel)
    except ValueError as error:
        assert kernel in str(error)  # noqa: PT017 - most of the combinations are refused, which is no failure
        return
    agree(call, kernel)


@settings(max_examples=40, deadline=None)
@given(call=calls())
def test_weights_of_rows_are_the_rows_of_all_weights_and_give_the_context(call: Call) -> None:
    everything = call.run(rows="all", kernel="reference")
    assert everything.weights is not None
    rows = torch.randint(call.query.shape[2], (2,))
    some = call.run(rows=rows)
    assert some.weights is not None
    torch.testing.assert_close(some.weights, everything.weights[:, :, rows], rtol=1e-7, atol=1e-9)
    groups = call.query.shape[1] // call.key.shape[1]
    context = everything.weights @ call.value.repeat_interleave(groups, 1)
    torch.testing.assert_close(some.context, context, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kernel", ["reference", "fused", "short", "windowed"])
@pytest.mark.parametrize("queries", [1, 3, 7])
def test_gradcheck_of_products(kernel: str, queries: int) -> None:
    torch.manual_seed(0)
    mask = torch.tensor([[True] * 4 + [False], [False] * 5])
    inputs = [
        torch.randn(2, heads, n, 3, dtype=WIDE, requires_grad=True)
        for heads, n in ((4, queries), (2, 5), (2, 5))
    ]
    for scope in (Causal() & Padding(mask), Window(1)):
        assert torch.autograd.gradcheck(
            lambda q, k, v, scope=scope: attend(q, k, v, scope=scope, kernel=kernel).context, inputs
        )


@pytest.mark.parametrize("name", [name for name in SELECTIONS if name not in ("hard", "gumbel")])
@pytest.mark.parametrize("score", ["scaled dot", "additive"])
def test_gradcheck_of_selections(name: str, score: str) -> None:
    torch.manual_seed(0)
    scorer = ScaledDot() if score == "scaled dot" else Additive(2, 2, 2, 2).to(WIDE)
    parameters = list(scorer.parameters()) if isinstance(scorer, torch.nn.Module) else []
    inputs = [torch.randn(1, 2, n, 2, dtype=WIDE, requires_grad=True) for n in (2, 13, 13)]
    for scope in (Causal(), Window(1)):
        assert torch.autograd.gradcheck(
            lambda q, k, v, *_, scope=scope: (
                attend(q, k, v, score=scorer, scope=scope, selection=SELECTIONS[name]).context
            ),
            (*inputs, *parameters),
        )


@pytest.mark.parametrize("kernel", ["reference", "short", "windowed", "gathered", "additive"])
def test_gradcheck_under_dropout(kernel: str) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(1, 2, n, 3, dtype=WIDE, requires_grad=True) for n in (5, 6, 6)]
    score = Additive(3, 3, 4).to(WIDE) if kernel == "additive" else ScaledDot()
    scope = LocalPredictive(3, 2).to(WIDE) if kernel == "gathered" else Causal()
    if kernel == "gathered":  # windows must be narrow to be gathered
        inputs = [torch.randn(1, 2, n, 3, dtype=WIDE, requires_grad=True) for n in (5, 24, 24)]

    def dropped(*qkv: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        options = {"score": score, "scope": scope, "dropout": 0.4, "training": True, "kernel": kernel}
        return attend(*qkv, **options).context

    assert torch.autograd.gradcheck(dropped, inputs)
    undropped = attend(*inputs, score=score, scope=scope).context
    assert not torch.allclose(dropped(*inputs), undropped)


def test_dropout_keeps_the_mean_and_rests_outside_training() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(1, 1, 4, 8), torch.randn(1, 1, 6, 8), torch.randn(1, 1, 6, 3)
    for kernel in ("reference", "short", "windowed", "gathered", "additive"):
        call = {"score": Additive(8, 8, 4) if kernel == "additive" else ScaledDot()}
        if kernel == "gathered":
            call = {"scope": LocalPredictive(8, 1)}
            key, value = (torch.randn(1, 1, 24, n) for n in (8, 3))
        expected = attend(query, key, value, **call).context
        assert torch.equal(attend(query, key, value, dropout=0.5, **call).context, expected)
        many = [t.expand(4000, -1, -1, -1) for t in (query, key, value)]
        mean = attend(*many, dropout=0.3, training=True, kernel=kernel, **call).context.mean(0)
        torch.testing.assert_close(mean, expected[0], atol=0.06, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("keys", [12, 300])
def test_smaller_floats_stay_near_float64(dtype: torch.dtype, keys: int) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(2, 2, n, 16).to(dtype) for n in (7, keys, keys)]
    inputs = [x.requires_grad_() for x in inputs]
    wide = [x.detach().double().requires_grad_() for x in inputs]
    score = Additive(16, 16, 16)
    for call in (
        {"scope": Causal()},
        {"scope": Window(2)},
        {"score": score, "scope": Window(5)},
        {"score": score},
    ):
        exact_score = {"score": Additive(16, 16, 16).double()} if "score" in call else {}
        if exact_score:
            exact_score["score"].load_state_dict(score.state_dict())
        context = attend(*inputs, **call).context
        exact = attend(*wide, **(call | exact_score), kernel="reference").context
        assert context.dtype == dtype
        tolerance = 1e-5 if dtype == torch.float32 else 4e-2
        torch.testing.assert_close(context.double(), exact, atol=tolerance, rtol=tolerance)
        given_ = torch.autograd.grad(context.sum(), inputs)
        wanted = torch.autograd.grad(exact.sum(), wide)
        for one, other in zip(given_, wanted, strict=True):
            torch.testing.assert_close(one.double(), other, atol=10 * tolerance, rtol=tolerance)


@pytest.mark.parametrize("kernel", ["reference", "fused", "short", "windowed"])
@pytest.mark.parametrize("slopes", [None, torch.tensor([0.5])])
def test_forbidden_keys_are_not_read_however_low_the_scores_in_float16(
    kernel: str, slopes: Tensor | None
) -> None:
    """Scores of -31,000 against padding of 0, and of -57,600 in a row that is padding only."""
    query = torch.full((2, 1, 4, 64), -22.0, dtype=torch.float16)
    key = torch.full((2, 1, 4, 64), 22.0, dtype=torch.float16)
    key[0, :, 2:], query[1], key[1] = 0.0, -30.0, 30.0
    value = torch.ones_like(key)
    value[0, :, 2:] = 9.0
    real = torch.tensor([[True, True, False, False], [False] * 4])
    inputs = [x.requires_grad_() for x in (query, key, value)]
    call = {"score": Dot(), "scope": Padding(real), "slopes": slopes, "kernel": kernel}
    context = attend(*inputs, **call).context
    torch.testing.assert_close(context[0], torch.ones_like(context[0]))
    assert (context[1] == 0).all()
    for gradient in torch.autograd.grad(context.sum(), inputs):
        assert gradient.isfinite().all()


def test_autocast_runs_in_its_dtype_and_keeps_gradients_in_theirs() -> None:
    query = torch.randn(2, 2, 5, 8, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        context = attend(query, query, query, selection=Soft()).context
    assert context.dtype == torch.bfloat16
    context.float().sum().backward()
    assert query.grad is not None
    assert query.grad.dtype == torch.float32


def test_large_scores_do_not_overflow_the_additive_kernel() -> None:
    score = Additive(4, 4, 4)
    query, key = 300 * torch.randn(1, 1, 9, 4), 300 * torch.randn(1, 1, 9, 4)
    context = attend(query, key, key, score=score).context
    expected = attend(query, key, key, score=score, kernel="reference").context
    torch.testing.assert_close(context, expected, rtol=1e-4, atol=1e-3)


def test_centres_of_matrices_by_head_are_gathered_around() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 2, length, 4, dtype=WIDE) for length in (5, 40, 40))
    scope = LocalPredictive(4, 2, heads=2).to(WIDE)
    found = attend(query, key, value, scope=scope, kernel="gathered").context
    torch.testing.assert_close(found, attend(query, key, value, scope=scope, kernel="reference").context)

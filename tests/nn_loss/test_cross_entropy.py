import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from regard.nn.cross_entropy import linear_cross_entropy, token_log_probabilities


def made(rows: int, width: int, vocabulary: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    states, weight, bias = (
        torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in ((rows, width), (vocabulary, width), (vocabulary,))
    )
    targets = torch.randint(0, vocabulary, (rows,), generator=generator)
    targets[torch.rand(rows, generator=generator) < 0.3] = -100
    return states, weight, bias, targets


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(0, 9),
    width=st.integers(1, 6),
    vocabulary=st.integers(1, 11),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    chunk=st.sampled_from([None, 1, 2, 5]),
    with_bias=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_equals_the_cross_entropy_of_all_logits(
    rows: int, width: int, vocabulary: int, smoothing: float, chunk: int | None, with_bias: bool, seed: int
) -> None:
    states, weight, bias, targets = made(rows, width, vocabulary, seed)
    b = bias if with_bias else None
    inputs = [states, weight, bias][: 3 if with_bias else 2]
    ours = linear_cross_entropy(states, weight, b, targets, label_smoothing=smoothing, chunk=chunk)
    theirs = F.cross_entropy(F.linear(states, weight, b), targets, reduction="sum", label_smoothing=smoothing)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    for mine, other in zip(
        torch.autograd.grad(ours * 0.7, inputs), torch.autograd.grad(theirs * 0.7, inputs), strict=True
    ):
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-10)


def test_gradcheck() -> None:
    states, weight, bias, targets = made(5, 3, 7, 1)
    assert torch.autograd.gradcheck(
        lambda s, w, b: linear_cross_entropy(s, w, b, targets, label_smoothing=0.1, chunk=2),
        (states, weight, bias),
    )


def test_another_ignored_target() -> None:
    states, weight, bias, _ = made(4, 3, 7, 2)
    targets = torch.tensor([1, 0, 2, 0])
    ours = linear_cross_entropy(states, weight, bias, targets, ignore=0)
    theirs = F.cross_entropy(F.linear(states, weight, bias), targets, reduction="sum", ignore_index=0)
    torch.testing.assert_close(ours, theirs)


def test_autocast_products_are_bf16_and_the_loss_is_float32() -> None:
    torch.manual_seed(0)
    states, weight = torch.randn(300, 32, requires_grad=True), (torch.randn(500, 32) / 6).requires_grad_()
    targets = torch.randint(0, 500, (300,))
    with torch.autocast("cpu", torch.bfloat16):
        ours = linear_cross_entropy(states, weight, None, targets, label_smoothing=0.1)
    ours.backward()
    assert ours.dtype == torch.float32
    assert states.grad is not None
    assert weight.grad is not None
    assert states.grad.dtype == weight.grad.dtype == torch.float32
    mine = states.grad.clone(), weight.grad.clone()
    states.grad = weight.grad = None
    exact = F.cross_entropy(states @ weight.T, targets, reduction="sum", label_smoothing=0.1)
    exact.backward()
    assert ours.item() == pytest.approx(exact.item(), rel=2e-3)
    for got, wanted in zip(mine, (states.grad, weight.grad), strict=True):
        assert (got - wanted).norm() < 0.02 * wanted.norm()


def test_far_apart_logits_stay_finite() -> None:
    states = torch.tensor([[400.0]], requires_grad=True)
    weight = torch.tensor([[1.0], [-1.0]])
    loss = linear_cross_entropy(states, weight, None, torch.tensor([1]))
    assert loss.item() == 800.0
    loss.backward()
    assert states.grad is not None
    assert states.grad.item() == 2.0


def test_without_gradients_none_are_made() -> None:
    states, weight, bias, targets = made(6, 3, 7, 3)
    with torch.no_grad():
        value = linear_cross_entropy(states, weight, bias, targets)
    assert not value.requires_grad
    torch.testing.assert_close(value, linear_cross_entropy(states, weight, bias, targets).detach())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": torch.zeros(7, 4)}, "expected"),
        ({"targets": torch.zeros(2, dtype=torch.int64)}, "targets"),
        ({"bias": torch.zeros(2)}, "bias"),
        ({"label_smoothing": 1.5}, "smoothing"),
    ],
)
def test_misfits_are_refused(change: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {
        "states": torch.zeros(5, 3),
        "weight": torch.zeros(7, 3),
        "bias": None,
        "targets": torch.zeros(5, dtype=torch.int64),
    }
    with pytest.raises(ValueError, match=message):
        linear_cross_entropy(**(arguments | change))  # type: ignore[arg-type]


def test_second_derivatives_are_refused() -> None:
    states, weight, bias, targets = made(4, 3, 7, 4)
    loss = linear_cross_entropy(states, weight, bias, targets)
    with pytest.raises(RuntimeError, match="second derivative"):
        torch.autograd.grad(loss, states, create_graph=True)


@pytest.mark.parametrize("rows", [0, 1, 300])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_log_probabilities_of_tokens(rows: int, dtype: torch.dtype) -> None:
    output = torch.nn.Linear(8, 70_000, dtype=dtype)  # so wide that 64 rows are taken at a time
    states, targets = torch.randn(rows, 8, dtype=dtype), torch.randint(70_000, (rows,))
    targets[1::3] = -100
    found = token_log_probabilities(output, states, targets)
    wanted = output(states).double().log_softmax(-1).gather(1, targets.clamp(min=0)[:, None])[:, 0]
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert not found.requires_grad
    torch.testing.assert_close(found.double(), wanted.where(targets >= 0, 0.0), rtol=1e-5, atol=1e-5)

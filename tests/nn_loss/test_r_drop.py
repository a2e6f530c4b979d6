import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from regard.nn.r_drop import linear_r_drop


def plain(
    first: Tensor, second: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor,
    strength: float, smoothing: float,
) -> Tensor:  # fmt: skip
    """As the paper says it, with all logits."""
    passes = [F.linear(states, weight, bias) for states in (first, second)]
    losses = [F.cross_entropy(z, targets, reduction="sum", label_smoothing=smoothing) for z in passes]
    p, q = (z.log_softmax(-1) for z in passes)
    both = [F.kl_div(a, b, reduction="sum", log_target=True) for a, b in ((p, q), (q, p))]
    return torch.stack(losses).sum() + strength * torch.stack(both).sum() / 2


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 7),
    chunk=st.sampled_from([None, 1, 2, 3]),
    strength=st.sampled_from([0.0, 0.7, 5.0]),
    smoothing=st.sampled_from([0.0, 0.1]),
    biased=st.booleans(),
)
def test_equals_the_plain_loss(
    seed: int, rows: int, chunk: int | None, strength: float, smoothing: float, biased: bool
) -> None:
    torch.manual_seed(seed)
    shapes = ((rows, 3), (rows, 3), (7, 3), *([(7,)] if biased else []))
    inputs = [torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in shapes]
    first, second, weight = inputs[:3]
    bias = inputs[3] if biased else None
    targets = torch.randint(0, 7, (rows,))
    theirs = plain(first, second, weight, bias, targets, strength, smoothing)
    ours = linear_r_drop(
        first, second, weight, bias, targets, strength=strength, label_smoothing=smoothing, chunk=chunk
    )
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(
        torch.autograd.grad(3 * ours, inputs), torch.autograd.grad(3 * theirs, inputs), strict=True
    ):
        torch.testing.assert_close(mine, other)


def test_under_autocast_it_is_near_float64() -> None:
    torch.manual_seed(0)
    states = [torch.randn(40, 16).requires_grad_() for _ in range(2)]
    weight, targets = torch.randn(300, 16).requires_grad_(), torch.randint(0, 300, (40,))
    with torch.autocast("cpu", torch.bfloat16):
        ours = linear_r_drop(*states, weight, None, targets, strength=5.0, label_smoothing=0.1)
    exact = [tensor.detach().double().requires_grad_() for tensor in (*states, weight)]
    theirs = plain(exact[0], exact[1], exact[2], None, targets, 5.0, 0.1)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.double(), theirs, rtol=0.02, atol=0)
    for mine, other in zip(
        torch.autograd.grad(ours, [*states, weight]), torch.autograd.grad(theirs, exact), strict=True
    ):
        assert mine.dtype == torch.float32
        assert float((mine - other).norm() / other.norm()) < 0.03


def test_without_gradients_only_the_loss_is_made() -> None:
    states, weight, targets = torch.zeros(2, 3), torch.zeros(4, 3, requires_grad=True), torch.tensor([1, 2])
    with torch.no_grad():
        assert not linear_r_drop(states, states, weight, None, targets, strength=1.0).requires_grad


def test_passes_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        linear_r_drop(
            torch.zeros(2, 3), torch.zeros(1, 3), torch.zeros(4, 3), None, torch.zeros(2).long(), strength=1.0
        )

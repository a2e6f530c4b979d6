import pytest
import torch
from torch.nn import functional as F

from regard.nn.r_drop import linear_divergence


@pytest.mark.parametrize("chunk", [None, 2])
def test_equals_the_divergence_of_all_logits(chunk: int | None) -> None:
    torch.manual_seed(0)
    shapes = ((5, 3), (5, 3), (7, 3), (7,))
    inputs = [torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in shapes]
    first, second, weight, bias = inputs
    p, q = (F.log_softmax(F.linear(states, weight, bias), -1) for states in (first, second))
    both = [F.kl_div(a, b, reduction="sum", log_target=True) for a, b in ((p, q), (q, p))]
    theirs = sum(both) / 2
    ours = linear_divergence(first, second, weight, bias, chunk=chunk)
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(
        torch.autograd.grad(ours, inputs), torch.autograd.grad(theirs, inputs), strict=True
    ):
        torch.testing.assert_close(mine, other)


def test_passes_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        linear_divergence(torch.zeros(2, 3), torch.zeros(1, 3), torch.zeros(4, 3), None)

"""The linear layer gives what torch's gives, whichever library multiplies."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from regard.nn.linear import Linear, linear
from regard.nn.product import multiply, settled_weights

SIZES = st.integers(1, 40)


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), max_size=3), SIZES, SIZES, st.sampled_from([torch.float32, torch.float64]))
def test_the_same_as_torch_with_and_without_gradients(before, inputs, outputs, dtype):
    x = torch.randn(*before, inputs, dtype=dtype)
    layer = linear(inputs, outputs).to(dtype)
    expected = F.linear(x.double(), layer.weight.double(), layer.bias.double())
    close = {"rtol": 1e-4, "atol": 1e-5, "check_dtype": False}
    torch.testing.assert_close(layer(x), expected, **close)
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), expected, **close)


def test_rows_need_not_lie_next_to_each_other():
    layer, x = linear(16, 8), torch.randn(9, 5, 16)
    with torch.inference_mode():
        apart = layer(x.transpose(0, 1))
        torch.testing.assert_close(apart, layer(x).transpose(0, 1), rtol=1e-4, atol=1e-5)


def test_weights_with_gaps_are_torchs_to_multiply(monkeypatch):
    """oneDNN takes such weights, and a thousand times as long."""
    slow = []
    monkeypatch.setattr("regard.nn.product._onednn", lambda x, weight, bias: slow.append(weight))
    x, head = torch.randn(9, 16), torch.randn(8, 64)[:, 16:32]
    with torch.inference_mode():
        torch.testing.assert_close(multiply(x, head), F.linear(x, head))
        multiply(torch.randn(9, 8), head.t())
    assert not slow


@pytest.mark.parametrize("wide", [True, False])
def test_a_transposed_gradient_is_onednns_only_where_it_is_the_faster(monkeypatch, wide):
    taken = []

    def onednn(x, weight, bias):
        taken.append(tuple(x.shape))
        return F.linear(x, weight, bias)

    monkeypatch.setattr("regard.nn.product._WIDE", wide)
    monkeypatch.setattr("regard.nn.product._onednn", onednn)
    x, weight = torch.randn(64, 16), torch.randn(8, 16, requires_grad=True)
    multiply(x, weight).square().sum().backward()
    assert taken == [(64, 16), (8, 64)][: 1 + wide]
    torch.testing.assert_close(weight.grad, 2 * (x @ weight.detach().T).T @ x)


@pytest.mark.parametrize("rows", [1, 7, 8, 64, 321])
def test_settled_weights_change_nothing_but_the_time(rows):
    weight, bias, x = torch.randn(48, 32), torch.randn(48), torch.randn(rows, 32)
    with torch.inference_mode(), settled_weights():
        products = [multiply(x, weight, bias) for _ in range(4)]
    for product in products:
        torch.testing.assert_close(product, F.linear(x, weight, bias), rtol=1e-4, atol=1e-5)


def test_weights_may_change_when_they_are_no_longer_settled():
    layer, x = linear(16, 16), torch.randn(64, 16)
    for _ in range(2):
        with torch.inference_mode(), settled_weights():
            for _ in range(3):
                product = layer(x)
        torch.testing.assert_close(product, F.linear(x, layer.weight, layer.bias), rtol=1e-4, atol=1e-5)
        layer.weight.data.neg_()


def test_gradients_flow_outside_inference_mode():
    layer, x = Linear(64, 64), torch.randn(64, 64, requires_grad=True)
    layer(x).sum().backward()
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(64, 64))


@given(st.integers(8, 40), SIZES, SIZES, st.booleans())
@settings(deadline=None)
def test_gradients_in_float32_are_those_of_float64(rows, inputs, outputs, with_bias):
    x, weight = torch.randn(rows, inputs), torch.randn(outputs, inputs)
    bias, incoming = torch.randn(outputs) if with_bias else None, torch.randn(rows, outputs)
    gradients = []
    for dtype, product in ((torch.float32, multiply), (torch.float64, F.linear)):
        given_here = [t.to(dtype).requires_grad_() for t in (x, weight, bias) if t is not None]
        result = product(given_here[0], *given_here[1:])
        gradients.append(torch.autograd.grad(result, given_here, incoming.to(dtype)))
    for mine, exact in zip(*gradients, strict=True):
        torch.testing.assert_close(mine.double(), exact, rtol=1e-4, atol=1e-4)


def test_second_derivatives():
    x, weight = torch.randn(9, 16, requires_grad=True), torch.randn(12, 16, requires_grad=True)

    def penalty(product):
        (gradient,) = torch.autograd.grad(product(x, weight).square().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), (x, weight))

    for mine, torchs in zip(penalty(multiply), penalty(F.linear), strict=True):
        torch.testing.assert_close(mine, torchs, rtol=1e-3, atol=1e-2)


def test_function_transforms_and_forward_derivatives():
    layer, x = linear(16, 12), torch.randn(9, 16)
    each = torch.func.vmap(torch.func.grad(lambda w, row: F.linear(row, w).square().sum()), (None, 0))
    mine = torch.func.vmap(
        torch.func.grad(lambda w, row: multiply(row.expand(8, 16), w)[0].square().sum()), (None, 0)
    )
    torch.testing.assert_close(mine(layer.weight, x), each(layer.weight, x))
    _, tangent = torch.func.jvp(layer, (x,), (torch.ones_like(x),))
    torch.testing.assert_close(tangent[0], layer.weight.sum(1))


@pytest.mark.parametrize("shape", [(256,), (0, 256), (3, 0, 256), (1, 256), (2, 3, 256)])
def test_any_number_of_rows_by_a_large_weight(shape):
    x, weight = torch.randn(shape, requires_grad=True), torch.randn(5000, 256, requires_grad=True)
    for product in (multiply(x, weight), torch.inference_mode()(multiply)(x, weight)):
        torch.testing.assert_close(product, F.linear(x, weight), rtol=1e-4, atol=1e-4)
    mine = torch.autograd.grad(multiply(x, weight).sum(), (x, weight))
    for gradient, torchs in zip(
        mine, torch.autograd.grad(F.linear(x, weight).sum(), (x, weight)), strict=True
    ):
        torch.testing.assert_close(gradient, torchs, rtol=1e-3, atol=1e-3)


def test_sizes_that_do_not_fit():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        multiply(torch.randn(9, 255), torch.randn(8000, 256))


BIASES = {
    "every other": torch.randn(24)[::2],
    "one number for all": torch.randn(1).expand(12),
    "of one element": torch.randn(1),
    "of a number for each row": torch.randn(9, 12),
    "in another order": torch.randn(12, 9).t(),
}


@pytest.mark.parametrize("name", BIASES)
def test_a_bias_may_be_any_that_torch_takes(name):
    bias, x, weight = BIASES[name], torch.randn(9, 16), torch.randn(12, 16)
    for product in (multiply(x, weight, bias), torch.inference_mode()(multiply)(x, weight, bias)):
        torch.testing.assert_close(product, F.linear(x, weight, bias), rtol=1e-4, atol=1e-5)


def test_a_bias_of_another_dtype_is_torchs_to_refuse():
    with pytest.raises(RuntimeError, match="dtype"):
        multiply(torch.randn(9, 16), torch.randn(12, 16), torch.randn(12, dtype=torch.float64))

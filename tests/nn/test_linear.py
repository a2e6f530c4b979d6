"""The linear layer gives what torch's gives, whichever library multiplies."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from regard.nn.linear import Linear, linear, multiply, settled_weights

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

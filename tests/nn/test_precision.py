"""Layers know the dtype of their products, under autocast and on a device that has none."""

import torch

from regard.nn.linear_loss import linear_loss
from regard.nn.precision import working_dtype

META = torch.device("meta")


def test_the_working_dtype_is_autocasts_where_there_is_one():
    narrow, wide = torch.zeros(1), torch.zeros(1, dtype=torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        assert working_dtype(narrow) == torch.bfloat16
        assert working_dtype(wide) == torch.float64
        assert working_dtype(narrow.to(META)) == torch.float32
    assert working_dtype(narrow) == torch.float32


def test_a_loss_of_an_output_layer_on_a_device_without_autocast():
    dtypes = []

    def sweep(states, weight, bias, wanted):
        dtypes.append((states.dtype, (states @ weight.t()).dtype))
        return states.sum(), None

    assert linear_loss(torch.zeros(2, 4, device=META), torch.zeros(3, 4, device=META), None, sweep).is_meta
    with torch.autocast("cpu", torch.bfloat16):
        linear_loss(torch.zeros(2, 4), torch.zeros(3, 4), None, sweep)
        linear_loss(torch.zeros(2, 4).double(), torch.zeros(3, 4).double(), None, sweep)
    assert dtypes == [(dtype, dtype) for dtype in (torch.float32, torch.bfloat16, torch.float64)]

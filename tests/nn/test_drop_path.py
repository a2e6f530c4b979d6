import pytest
import torch
from torch.nn import functional as F

from regard.nn.drop_path import drop_path
from regard.nn.residual import Residual


def test_a_row_has_all_of_its_change_or_nothing():
    torch.manual_seed(0)
    x, change = torch.randn(500, 3, 5), torch.randn(500, 3, 5)
    shares = (drop_path(x, change, 0.2) - x) / change
    kept = shares.flatten(1).mean(1) > 0.6
    torch.testing.assert_close(
        shares, torch.where(kept, 1.25, 0.0)[:, None, None].expand_as(shares), atol=1e-3, rtol=1e-3
    )
    assert kept.double().mean().item() == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_mean_is_the_whole_sum(dtype):
    torch.manual_seed(0)
    x, change = torch.full((40_000, 1), 2.0, dtype=dtype), torch.ones(40_000, 1, dtype=dtype)
    assert drop_path(x, change, 0.3).double().mean().item() == pytest.approx(3.0, abs=0.01)


def test_the_gradient_goes_where_the_change_went():
    torch.manual_seed(0)
    x, change = (torch.randn(8, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    out = drop_path(x, change, 0.5)
    to_x, to_change = torch.autograd.grad(out.sum(), (x, change))
    assert (to_x == 1).all()
    torch.testing.assert_close(to_change * change, out - x)


def test_evaluation_adds_every_change():
    x, change = torch.randn(4, 2), torch.randn(4, 2)
    assert torch.equal(drop_path(x, change, 0.9, training=False), x + change)
    residual = Residual(2, "pre", drop_path=0.9)
    assert torch.equal(residual.eval().leave(x, change), x + change)
    torch.manual_seed(1)
    assert not torch.equal(residual.train().leave(x, change), x + change)


def test_post_norm_drops_before_the_norm():
    torch.manual_seed(0)
    residual, x = Residual(4, "post", drop_path=0.99), torch.randn(6, 4)
    torch.testing.assert_close(residual.leave(x, torch.randn(6, 4))[:1], F.layer_norm(x, (4,))[:1])


@pytest.mark.parametrize("probability", [-0.1, 1.0])
def test_no_probability(probability):
    with pytest.raises(ValueError, match="drop_path"):
        drop_path(torch.ones(1), torch.ones(1), probability)

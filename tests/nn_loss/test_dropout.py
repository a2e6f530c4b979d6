import pytest
import torch

from regard.nn.dropout import Dropout


def test_share_and_scale() -> None:
    torch.manual_seed(0)
    x = torch.ones(1000, 101)
    out = Dropout(0.25)(x)
    dropped = (out == 0).double().mean().item()
    assert dropped == pytest.approx(0.25, abs=0.01)
    assert out[out != 0].unique().tolist() == pytest.approx([4 / 3])


def test_the_backward_pass_drops_the_same() -> None:
    torch.manual_seed(0)
    x = torch.ones(37, 5, dtype=torch.float64, requires_grad=True)
    out = Dropout(0.5)(x)
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, out.detach())


def test_every_place_in_a_word_is_as_likely() -> None:
    torch.manual_seed(0)
    kept = Dropout(0.5)(torch.ones(20000, 8)) != 0
    assert kept.double().mean(0).sub(0.5).abs().max() < 0.02


def test_evaluation_changes_nothing() -> None:
    x = torch.randn(3)
    assert Dropout(0.9).eval()(x) is x
    with pytest.raises(ValueError, match="probability"):
        Dropout(1.1)

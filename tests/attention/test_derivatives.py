"""Second derivatives are right or refused, and gradients in small floats do not get lost in long sums."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from generated import WIDE
from torch import Tensor

from regard.attention import (
    Additive,
    Causal,
    Entmax15,
    LocalPredictive,
    ScaledDot,
    Scope,
    Sparsemax,
    Window,
    attend,
)
from regard.attention.kernels import hidden, table, windowed


@pytest.mark.parametrize("kernel", table.KERNELS)
@pytest.mark.parametrize("scope", [Causal(), Window(1)], ids=repr)
def test_second_derivatives_are_right_or_refused(kernel: str, scope: Scope) -> None:
    if kernel == "gathered" and isinstance(scope, Causal):
        return  # it does not serve that
    torch.manual_seed(0)
    inputs = [torch.randn(1, 1, n, 2, dtype=WIDE, requires_grad=True) for n in (3, 14, 14)]
    score = Additive(2, 2, 2).to(WIDE) if kernel == "additive" else ScaledDot()

    def context(*qkv: Tensor) -> Tensor:
        return attend(*qkv, score=score, scope=scope, kernel=kernel).context

    if kernel in ("reference", "windowed", "gathered"):
        assert torch.autograd.gradgradcheck(context, inputs)
        return

    def penalty_backward() -> None:
        (gradient,) = torch.autograd.grad(context(*inputs).sum(), inputs[:1], create_graph=True)
        gradient.square().sum().backward()

    with pytest.raises(RuntimeError, match=r"derivative for|second derivatives.*kernel='reference'"):
        penalty_backward()


@pytest.mark.parametrize("selection", [Sparsemax(), Entmax15()])
def test_second_derivatives_of_sparse_selections(selection: Sparsemax | Entmax15) -> None:
    torch.manual_seed(0)
    scores = torch.randn(4, 6, dtype=WIDE, requires_grad=True)
    assert (selection.weigh(scores, True)[0] == 0).any()
    assert torch.autograd.gradgradcheck(lambda s: selection.weigh(s, True)[0], (scores,))


LONG: dict[str, dict[str, Any]] = {
    "additive": {"score": True},
    "additive, window": {"score": True, "scope": Window(30)},
    "windowed": {"kernel": "windowed"},
    "windowed, window": {"kernel": "windowed", "scope": Window(30)},
    "gathered": {"scope": True},
}


@pytest.mark.parametrize("name", LONG)
def test_many_queries_add_to_one_key_in_bfloat16(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum of a thousand in bfloat16 itself would stop growing at 256 times its parts."""
    torch.manual_seed(0)
    monkeypatch.setattr(hidden, "BLOCK_ELEMENTS", 1 << 12)  # many blocks without a long test
    monkeypatch.setattr(windowed, "SMALLEST_CHUNK", 4)
    monkeypatch.setattr(windowed, "LARGEST_CHUNK", 4)
    call = dict(LONG[name])
    dim, queries, keys = 16, 1024, 64
    inputs = [torch.randn(1, 1, n, dim).bfloat16().requires_grad_() for n in (queries, keys, keys)]
    wide = [x.detach().double().requires_grad_() for x in inputs]
    exact = dict(call, kernel="reference", first_query=0)
    call["first_query"] = 0
    if call.get("score"):
        call["score"], exact["score"] = Additive(dim, dim, 16), Additive(dim, dim, 16).double()
        exact["score"].load_state_dict(call["score"].state_dict())
    if call.get("scope") is True:
        call["scope"], exact["scope"] = LocalPredictive(dim, 4), LocalPredictive(dim, 4).double()
        torch.nn.init.zeros_(call["scope"].vector)  # every query looks at the middle
        exact["scope"].load_state_dict(call["scope"].state_dict())
    gradients = torch.autograd.grad(attend(*inputs, **call).context.sum(), inputs)
    expected = torch.autograd.grad(attend(*wide, **exact).context.sum(), wide)
    for gradient, of in zip(gradients, expected, strict=True):
        error = (gradient.double() - of).norm() / of.norm()
        assert error < 0.02

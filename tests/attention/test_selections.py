"""Selections against their definitions."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from regard.attention import Additive, Dot, Entmax15, Hard, Padding, Sigmoid, Sparsemax, Window, attend


def by_bisection(scores: Tensor, alpha: float) -> Tensor:
    """α-entmax: the threshold at which max(0, (α-1)·z - τ)^(1/(α-1)) sums to one."""
    z = (alpha - 1) * scores
    low, high = z.amax(-1, keepdim=True) - 1, z.amax(-1, keepdim=True)
    for _ in range(80):
        middle = (low + high) / 2
        total = (z - middle).clamp(min=0).pow(1 / (alpha - 1)).sum(-1, keepdim=True)
        low, high = torch.where(total >= 1, middle, low), torch.where(total >= 1, high, middle)
    return (z - low).clamp(min=0).pow(1 / (alpha - 1))


@pytest.mark.parametrize(("selection", "alpha"), [(Sparsemax(), 2.0), (Entmax15(), 1.5)])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), keys=st.integers(1, 30), spread=st.sampled_from([0.1, 1.0, 10.0]))
def test_sparse_selections_solve_their_definition(
    selection: Sparsemax | Entmax15, alpha: float, seed: int, keys: int, spread: float
) -> None:
    torch.manual_seed(seed)
    scores = spread * torch.randn(4, keys, dtype=torch.float64)
    hidden = torch.rand(4, keys) < 0.3
    hidden[:, 0] = False
    weights, _ = selection.weigh(scores.masked_fill(hidden, -torch.inf), False)
    expected = by_bisection(scores.masked_fill(hidden, -1e9), alpha)
    torch.testing.assert_close(weights, expected, atol=1e-9, rtol=1e-6)
    assert (weights[hidden] == 0).all()


@pytest.mark.parametrize("selection", [Sparsemax(), Entmax15()])
def test_sparse_gradients(selection: Sparsemax | Entmax15) -> None:
    torch.manual_seed(0)
    scores = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: selection.weigh(s, True)[0], (scores,))
    assert (selection.weigh(scores, True)[0] == 0).any()


def test_ties_share_and_one_key_takes_all() -> None:
    for selection in (Sparsemax(), Entmax15()):
        tied, _ = selection.weigh(torch.zeros(1, 4), False)
        torch.testing.assert_close(tied, torch.full((1, 4), 0.25))
        assert selection.weigh(torch.tensor([[3.0]]), False)[0].item() == 1.0


@pytest.mark.parametrize("selection", [Sparsemax(), Entmax15()])
def test_sparse_selections_in_bfloat16(selection: Sparsemax | Entmax15) -> None:
    torch.manual_seed(0)
    scores = torch.randn(8, 200)
    weights, _ = selection.weigh(scores.bfloat16(), False)
    expected, _ = selection.weigh(scores.bfloat16().float(), False)
    assert weights.dtype == torch.bfloat16
    torch.testing.assert_close(weights.float(), expected, atol=5e-3, rtol=1e-2)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), keys=st.integers(1, 30), bias=st.sampled_from([0.0, 2.0, -1.0]))
def test_sigmoid_weighs_each_key_by_itself(seed: int, keys: int, bias: float) -> None:
    torch.manual_seed(seed)
    scores = 3 * torch.randn(4, keys, dtype=torch.float64)
    hidden = torch.rand(4, keys) < 0.3
    hidden[:, 0] = False
    weights, log_probability = Sigmoid(bias).weigh(scores.masked_fill(hidden, -torch.inf), False)
    seen = (~hidden).sum(-1, keepdim=True)
    # σ(s + b - log n) = e^(s + b) / (n + e^(s + b))
    odds = torch.exp(scores + bias)
    torch.testing.assert_close(weights, (odds / (seen + odds)).masked_fill(hidden, 0.0))
    assert log_probability is None
    louder = scores.clone()
    louder[:, -1] += 5.0
    again, _ = Sigmoid(bias).weigh(louder.masked_fill(hidden, -torch.inf), False)
    torch.testing.assert_close(again[:, :-1], weights[:, :-1], rtol=0, atol=0)


def test_sigmoid_gradients_and_padding_that_changes_nothing() -> None:
    torch.manual_seed(0)
    scores = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: Sigmoid(0.5).weigh(s, True)[0], (scores,))
    query, key = torch.randn(2, 1, 3, 4), torch.randn(2, 1, 5, 4)
    mask = torch.tensor([[True] * 4 + [False]] * 2)
    padded = attend(query, key, key, scope=Padding(mask), selection=Sigmoid()).context
    cut = attend(query, key[:, :, :4], key[:, :, :4], selection=Sigmoid()).context
    torch.testing.assert_close(padded, cut)


def test_sigmoid_of_one_key_is_a_gate() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(40, 1, 1, 3), torch.randn(40, 1, 1, 5), torch.randn(40, 1, 1, 6)
    score = Additive(3, 5, 4, bias=True)
    assert score.bias is not None
    torch.nn.init.normal_(score.bias)
    seen = attend(query, key, value, score=score, selection=Sigmoid(bias=1.0), rows="all")
    hidden = torch.tanh(query @ score.query_weight[0] + key @ score.key_weight[0] + score.bias[0])
    gate = torch.sigmoid(hidden @ score.vector[0] + 1.0)[..., None]
    torch.testing.assert_close(seen.context, gate * value)
    torch.testing.assert_close(seen.weights, gate)


def test_sigmoid_in_bfloat16_and_within_windows() -> None:
    torch.manual_seed(0)
    scores = torch.randn(8, 200)
    weights, _ = Sigmoid().weigh(scores.bfloat16(), False)
    expected, _ = Sigmoid().weigh(scores.bfloat16().float(), False)
    assert weights.dtype == torch.bfloat16
    torch.testing.assert_close(weights.float(), expected, atol=0, rtol=1e-2)
    states = torch.randn(1, 1, 60, 4)
    narrow = attend(states, states, states, score=Dot(), scope=Window(2), selection=Sigmoid(), rows="all")
    assert narrow.weights is not None
    assert ((narrow.weights[0, 0] > 0).sum(-1)[2:-2] == 5).all()


def test_hard_draws_from_the_softmax_and_says_how_likely_the_draw_was() -> None:
    torch.manual_seed(0)
    scores = torch.tensor([0.0, 1.0, -1.0, -torch.inf])
    weights, log_probability = Hard().weigh(scores.expand(20000, 4), True)
    assert log_probability is not None
    torch.testing.assert_close(weights.mean(0), scores.softmax(0), atol=0.015, rtol=0)
    expected = torch.log_softmax(scores, 0)[weights.argmax(-1)]
    torch.testing.assert_close(log_probability, expected)
    assert (weights.sum(-1) == 1).all()


@pytest.mark.parametrize("estimator", ["reinforce", "gumbel"])
def test_hard_draws_of_equal_scores_prefer_no_place(estimator: Literal["reinforce", "gumbel"]) -> None:
    torch.manual_seed(0)
    scores = torch.full((20000, 40), 60.0, dtype=torch.bfloat16)
    weights, _ = Hard(estimator).weigh(scores, True)
    assert weights.dtype == torch.bfloat16
    shares = 40 * weights.float().mean(0)
    assert shares[:5].mean() == pytest.approx(1.0, abs=0.05)
    assert shares[-5:].mean() == pytest.approx(1.0, abs=0.05)


def test_hard_takes_the_best_key_at_inference() -> None:
    for selection in (Hard(), Hard("gumbel")):
        weights, _ = selection.weigh(torch.tensor([[0.0, 3.0, 1.0]]), False)
        assert weights.tolist() == [[0.0, 1.0, 0.0]]


def test_reinforce_estimates_the_gradient_of_the_expected_reward() -> None:
    torch.manual_seed(0)
    scores = torch.tensor([0.3, -0.2, 0.5], requires_grad=True)
    reward = torch.tensor([1.0, -2.0, 0.5])
    (exact,) = torch.autograd.grad((scores.softmax(0) * reward).sum(), scores)
    weights, log_probability = Hard().weigh(scores.expand(100_000, 3), True)
    assert log_probability is not None
    (estimated,) = torch.autograd.grad(((weights @ reward) * log_probability).mean(), scores)
    torch.testing.assert_close(estimated, exact, atol=0.02, rtol=0)


def test_a_share_of_queries_takes_the_expectation() -> None:
    torch.manual_seed(0)
    scores = torch.tensor([0.0, 1.0, -1.0, -torch.inf], requires_grad=True)
    weights, log_probability = Hard(expected=0.3).weigh(scores.expand(20_000, 4), True)
    assert log_probability is not None
    soft = log_probability == 0
    assert soft.float().mean().item() == pytest.approx(0.3, abs=0.02)
    torch.testing.assert_close(weights[soft], scores.softmax(0).expand(int(soft.sum()), 4))
    assert ((weights[~soft] == 0) | (weights[~soft] == 1)).all()
    (gradient,) = torch.autograd.grad(weights[:, 0].sum(), scores)
    assert gradient[:3].abs().min() > 0
    assert Hard(expected=1.0).weigh(scores, False)[0].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_gumbel_is_one_hot_forward_and_a_softmax_backward() -> None:
    torch.manual_seed(0)
    scores = torch.randn(6, 5, requires_grad=True)
    weights, log_probability = Hard("gumbel", temperature=0.7).weigh(scores, True)
    assert log_probability is None
    torch.testing.assert_close(weights.detach(), torch.nn.functional.one_hot(weights.argmax(-1), 5).float())
    (gradient,) = torch.autograd.grad((weights * torch.randn(6, 5)).sum(), scores)
    assert (gradient != 0).any()


def test_hard_attention_reads_the_drawn_key_and_trains_both_ways() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 2, 5, 4, requires_grad=True) for _ in range(3))
    attended = attend(query, key, value, selection=Hard(), training=True, rows="all")
    assert attended.weights is not None
    assert attended.log_probability is not None
    drawn = attended.weights.argmax(-1, keepdim=True).expand(-1, -1, -1, 4)
    torch.testing.assert_close(attended.context, value.gather(2, drawn))
    assert torch.autograd.grad(attended.log_probability.sum(), query)[0].abs().sum() > 0
    relaxed = attend(query, key, value, selection=Hard("gumbel"), training=True)
    assert torch.autograd.grad(relaxed.context.sum(), query)[0].abs().sum() > 0


def test_wrong_hard_selections_are_refused() -> None:
    with pytest.raises(ValueError, match="'reinforce' or 'gumbel'"):
        Hard("magic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="positive"):
        Hard("gumbel", temperature=0.0)
    with pytest.raises(ValueError, match="0 to 1"):
        Hard(expected=1.5)
    with pytest.raises(ValueError, match="leave expected at 0"):
        Hard("gumbel", expected=0.5)

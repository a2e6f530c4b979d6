"""Deletion and insertion curves, of models that can be known by heart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from regard.lens import PictureError
from regard.lens.faithfulness import Curves, Faithfulness, faithfulness, faithfulness_picture, mean_of


def additive(worth: Tensor) -> object:
    """A model whose probability of each answer is the sum of what its parts are worth."""

    def ask(gone: Tensor, asked: Tensor) -> Tensor:
        assert gone.unique(dim=0).shape == gone.shape  # nothing is asked twice
        return torch.where(asked, (~gone).float() @ worth.T, torch.nan)

    return ask


WORTH = torch.tensor([[0.1, 0.6, 0.3, 0.0], [0.5, 0.2, 0.2, 0.1]])


def test_curves_are_those_made_by_hand() -> None:
    found = faithfulness(
        {"right": WORTH, "wrong": -WORTH},
        torch.ones(2, 4, dtype=torch.bool),
        additive(WORTH),  # type: ignore[arg-type]
    )
    # Of the first answer 1, 0.4, 0.1, 0, 0 is left; of the second 1, 0.5, 0.3, 0.1, 0.
    torch.testing.assert_close(found.methods["right"].deletion, torch.tensor([1.0, 0.45, 0.2, 0.05, 0.0]))
    torch.testing.assert_close(found.methods["right"].insertion, torch.tensor([0.0, 0.55, 0.8, 0.95, 1.0]))
    torch.testing.assert_close(found.methods["wrong"].deletion, torch.tensor([1.0, 0.95, 0.8, 0.55, 0.0]))
    assert found.methods["right"].deletion_area == pytest.approx((0.725 + 0.325 + 0.125 + 0.025) / 4)


def test_chance_lies_about_the_middle() -> None:
    found = faithfulness(
        {"right": WORTH},
        torch.ones(2, 4, dtype=torch.bool),
        additive(WORTH),
        orders=400,  # type: ignore[arg-type]
    )
    torch.testing.assert_close(found.chance.deletion, torch.linspace(1, 0, 5), atol=0.04, rtol=0)
    assert found.chance.deletion_area == pytest.approx(0.5, abs=0.02)
    assert found.spread("deletion") > 0.02
    again = faithfulness(
        {"right": WORTH},
        torch.ones(2, 4, dtype=torch.bool),
        additive(WORTH),
        orders=400,  # type: ignore[arg-type]
    )
    assert torch.equal(again.chance.deletion, found.chance.deletion)


@given(parts=st.integers(1, 9), answers=st.integers(1, 4), steps=st.integers(1, 12), seed=st.integers(0, 99))
def test_no_order_is_better_than_that_of_worth(parts: int, answers: int, steps: int, seed: int) -> None:
    worth = torch.rand(answers, parts, generator=torch.Generator().manual_seed(seed))
    may = torch.ones(answers, parts, dtype=torch.bool)
    found = faithfulness({"right": worth}, may, additive(worth), steps=steps)  # type: ignore[arg-type]
    assert len(found.shares) == min(steps, parts) + 1
    for chance in found.random:
        assert found.methods["right"].deletion_area <= chance.deletion_area + 1e-5
        assert found.methods["right"].insertion_area >= chance.insertion_area - 1e-5
    for curves in (found.methods["right"], *found.random):
        torch.testing.assert_close(curves.deletion[0], worth.sum(1).mean())
        torch.testing.assert_close(curves.insertion[-1], worth.sum(1).mean())
        assert float(curves.deletion[-1]) == float(curves.insertion[0]) == 0.0


def test_what_may_not_be_taken_away_stays() -> None:
    may = torch.tensor([[True, False, True, False], [False] * 4])
    tried = []

    def ask(gone: Tensor, asked: Tensor) -> Tensor:
        tried.append((gone, asked))
        return torch.ones(asked.shape)

    faithfulness({"any": WORTH}, may, ask)
    [(gone, asked)] = tried
    assert not gone[:, [1, 3]].any()
    assert not asked[:, 1].any()  # before that answer there is nothing to take away


def test_what_makes_no_sense_is_refused() -> None:
    may = torch.ones(2, 4, dtype=torch.bool)
    ask = additive(WORTH)
    with pytest.raises(ValueError, match="does not fit 2 answers and 4 parts"):
        faithfulness({"x": WORTH[:1]}, may, ask)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no part of the input"):
        faithfulness({"x": WORTH}, ~may, ask)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0 steps"):
        faithfulness({"x": WORTH}, may, ask, steps=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one input"):
        mean_of([])


def measured(height: float, steps: int) -> Faithfulness:
    curve = torch.linspace(height, 0, steps + 1)
    curves = Curves(curve, curve.flip(0))
    return Faithfulness({"relevance": curves}, (curves, curves))


def test_the_mean_over_inputs_draws_short_curves_out() -> None:
    both = mean_of([measured(1.0, 2), measured(0.5, 8)])
    torch.testing.assert_close(both.methods["relevance"].deletion, torch.linspace(0.75, 0, 9))
    assert both.inputs == 2
    other = Faithfulness({"flow": both.random[0]}, both.random)
    with pytest.raises(ValueError, match="no mean"):
        mean_of([both, other])


def test_numbers_and_pictures(tmp_path: Path) -> None:
    found = measured(0.8, 4)
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["methods"]["relevance"]["deletion_area"] == pytest.approx(0.4)
    assert plain["random"]["orders"] == 2
    assert "leaves 40.0 % of the answer, at random 40.0 ± 0.0 %" in found.of("relevance").sentence
    for suffix in (".png", ".svg"):
        assert faithfulness_picture(found, tmp_path / f"x{suffix}", title="한국어 $").stat().st_size > 5000
    many = Faithfulness({str(number): found.random[0] for number in range(7)}, found.random)
    with pytest.raises(PictureError, match="up to 6"):
        faithfulness_picture(many, tmp_path / "y.png")

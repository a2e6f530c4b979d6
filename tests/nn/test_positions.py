import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.nn.positions import Alibi, Learned, Rotary, Sinusoidal, rotate


@settings(max_examples=25, deadline=None)
@given(position=st.integers(0, 99), pair=st.integers(0, 7))
def test_sinusoidal_is_the_formula_of_the_paper(position, pair):
    row = Sinusoidal(16, max_length=100)(position, 1)[0]
    angle = position / 10000 ** (2 * pair / 16)
    assert row[2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-6)
    assert row[2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(query=st.integers(0, 40), key=st.integers(0, 40), shift=st.integers(0, 20))
def test_rotary_products_depend_on_distance_only(query, key, shift):
    rotary = Rotary(8, max_length=64)
    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 8).unbind(0)

    def product(at_query: int, at_key: int) -> float:
        return (rotate(q, rotary(at_query, 1)) * rotate(k, rotary(at_key, 1))).sum().item()

    assert product(query, key) == pytest.approx(product(query + shift, key + shift), abs=1e-4)


def test_rotary_turns_channel_i_with_channel_i_plus_half():
    x = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    turned = rotate(x, Rotary(4, max_length=8)(3, 1))
    torch.testing.assert_close(turned, torch.tensor([[math.cos(3), 0.0, math.sin(3), 0.0]]))


def test_alibi_slopes_of_the_paper():
    torch.testing.assert_close(Alibi(8).slopes, 2.0 ** -torch.arange(1.0, 9.0))
    twelve = Alibi(12).slopes
    torch.testing.assert_close(twelve[8:], 2.0 ** -torch.tensor([0.5, 1.5, 2.5, 3.5]))


@pytest.mark.parametrize("make", [Sinusoidal, Learned, Rotary])
def test_beyond_max_length(make):
    with pytest.raises(ValueError, match="positions reach 9, but max_length is 8"):
        make(4, 8)(5, 4)


@pytest.mark.parametrize("make", [Sinusoidal, Rotary])
def test_odd_width(make):
    with pytest.raises(ValueError, match="odd"):
        make(5, 8)

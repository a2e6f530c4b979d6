import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.nn.grid_positions import LearnedGrid, SinusoidalGrid

KINDS = [LearnedGrid, SinusoidalGrid]
SIDES = st.integers(1, 7)


@settings(max_examples=25, deadline=None)
@given(SIDES, SIDES, st.data())
def test_sinusoids_tell_the_row_and_the_column(rows, columns, data):
    row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    vector = SinusoidalGrid(8, (rows, columns))((rows, columns))[row * columns + column]
    expected = [
        wave(place / 10_000 ** (pair / 2))
        for place in (row, column)
        for pair in (0, 1)
        for wave in (math.sin, math.cos)
    ]
    assert vector.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_grid_is_the_table(kind):
    positions = kind(8, (2, 3))
    assert torch.equal(positions((2, 3)), positions.table.flatten(0, 1))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(rows=SIDES, columns=SIDES)
def test_any_other_grid_is_stretched_over_the_image(kind, rows, columns):
    """A table that grows evenly does so on any grid, but at the very edges."""
    positions, places = kind(8, (16, 16)), torch.arange(16.0)
    with torch.no_grad():
        positions.table[..., :4] = places[:, None, None]
        positions.table[..., 4:] = places[:, None]
    stretched = positions((rows, columns)).view(rows, columns, 8)
    down = (torch.arange(rows) + 0.5) * 16 / rows - 0.5
    across = (torch.arange(columns) + 0.5) * 16 / columns - 0.5
    expected = torch.empty(rows, columns, 8)
    expected[..., :4] = down[:, None, None]
    expected[..., 4:] = across[:, None]
    torch.testing.assert_close(stretched, expected, atol=0.1, rtol=0.0)


def test_stretched_positions_learn():
    positions = LearnedGrid(4, (2, 2))
    positions((5, 3)).sum().backward()
    assert (positions.table.grad != 0).all()


def test_a_width_that_does_not_do():
    with pytest.raises(ValueError, match="width is 6"):
        SinusoidalGrid(6, (2, 2))

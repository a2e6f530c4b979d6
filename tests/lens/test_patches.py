"""Maps over pictures: grids, rollout, distances, receptive fields, overlays."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from regard.lens import AttentionMap, PatchGrid, Tokens
from regard.lens.distance import attention_distance
from regard.lens.distance_picture import Reach, distance_picture
from regard.lens.overlay import Heat, overlay_picture
from regard.lens.picture import PictureError
from regard.lens.receptive_field import field_distance, receptive_field
from regard.lens.relevance import rollout


def random_weights(heads: int, size: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.softmax(3 * torch.randn(heads, size, size, generator=generator), -1)


def test_a_grid_names_specials_then_patches_row_after_row() -> None:
    grid = PatchGrid(2, 3, ("[CLS]", "[R1]"), (20, 60))
    assert grid.labels == ("[CLS]", "[R1]", "0,0", "0,1", "0,2", "1,0", "1,1", "1,2")
    assert grid.find("1, 2") == 7
    assert grid.find("[cls]") == 0
    assert grid.patch_size == (10.0, 20.0)
    assert grid.centres().tolist()[4] == [15.0, 30.0]
    assert grid.chosen([0, 7]) == Tokens(("[CLS]", "1,2"))


def test_a_patch_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="from 0,0 to 1,2"):
        PatchGrid(2, 3, ("[CLS]",)).find("2,0")
    with pytest.raises(ValueError, match="has no patch"):
        PatchGrid(0, 3)


def test_a_map_over_a_picture_keeps_its_grid_in_json() -> None:
    grid = PatchGrid(1, 2, ("[CLS]",), (4, 8))
    seen = AttentionMap("encoder.0.self", random_weights(2, 3), grid, grid)
    assert seen.to_json()["key_grid"] == {
        "rows": 1, "columns": 2, "specials": ["[CLS]"], "image_size": [4, 8],
    }  # fmt: skip
    row = seen.rows([0])
    assert row.query_axis.labels == ("[CLS]",)
    assert "query_grid" not in row.to_json()
    assert torch.equal(grid.spread(row.weights)[:, 0, 0], seen.weights[:, 0, 1:])


@given(st.integers(1, 5), st.integers(1, 3), st.integers(2, 6), st.floats(0, 1))
def test_rows_of_a_rollout_sum_to_one(layers: int, heads: int, size: int, residual: float) -> None:
    stack = [random_weights(heads, size, seed).double() for seed in range(layers)]
    total = rollout(stack, residual=residual).sum(-1)
    torch.testing.assert_close(total, torch.ones(size, dtype=torch.double), atol=1e-6, rtol=0)


def test_a_rollout_takes_the_last_layer_first() -> None:
    first, last = random_weights(1, 4, 0), random_weights(1, 4, 1)
    torch.testing.assert_close(rollout([first, last], residual=0.0), last[0] @ first[0])
    torch.testing.assert_close(rollout([first, last], residual=1.0), torch.eye(4))


def test_a_rollout_of_nothing_or_of_unlike_layers_is_refused() -> None:
    for layers in ([], [random_weights(1, 3), random_weights(1, 4)], [torch.ones(1, 2, 3)]):
        with pytest.raises(ValueError, match="a rollout takes"):
            rollout(layers)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2))
def test_a_patch_that_sees_itself_reaches_nowhere_and_equal_attention_the_mean(
    rows: int, columns: int, specials: int
) -> None:
    grid = PatchGrid(rows, columns, tuple("ab"[:specials]), (8 * rows, 4 * columns))
    size = len(grid)
    weights = torch.stack([torch.eye(size), torch.full((size, size), 1 / size)])
    itself, everywhere = attention_distance(AttentionMap("encoder.0.self", weights, grid, grid)).tolist()
    assert itself == 0
    centres = [(8 * (i // columns) + 4, 4 * (i % columns) + 2) for i in range(rows * columns)]
    apart = [((a - c) ** 2 + (b - d) ** 2) ** 0.5 for a, b in centres for c, d in centres]
    assert everywhere == pytest.approx(sum(apart) / len(apart), rel=1e-5)


def test_distances_need_patches_on_both_axes() -> None:
    grid = PatchGrid(1, 2)
    with pytest.raises(ValueError, match="all patches"):
        attention_distance(AttentionMap("x", torch.ones(1, 2, 2), Tokens.of("ab"), grid))


def test_the_field_of_a_convolution_is_its_kernel_and_grows_with_depth() -> None:
    torch.manual_seed(0)
    shallow = nn.Conv2d(2, 4, 3, padding=1)
    field = receptive_field(shallow, torch.randn(3, 2, 9, 9))
    assert float(field.sum()) == pytest.approx(1)
    expected = [[row, column] for row in (3, 4, 5) for column in (3, 4, 5)]
    assert (field > 0).nonzero().tolist() == expected
    deep = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1))
    assert field_distance(receptive_field(deep, torch.randn(3, 2, 9, 9))) > field_distance(field)
    assert all(parameter.grad is None for parameter in deep.parameters())


def test_an_overlay_is_drawn_or_says_why_not(tmp_path: Path) -> None:
    heats = [Heat(f"head {head}", torch.rand(4, 4)) for head in range(5)]
    drawn = overlay_picture(torch.rand(3, 16, 24), heats, tmp_path / "a.svg", title="주의")
    assert drawn.stat().st_size > 1000
    with pytest.raises(PictureError, match="1 or 3 channels"):
        overlay_picture(torch.rand(4, 16, 16), heats, tmp_path / "b.png")
    with pytest.raises(PictureError, match="nothing to lay"):
        overlay_picture(torch.rand(1, 16, 16), [], tmp_path / "b.png")


def test_no_more_networks_than_there_are_colours(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="from 1 to 7"):
        distance_picture([Reach("n", {"a": torch.ones(1)})] * 8, tmp_path / "b.png")

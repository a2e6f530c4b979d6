"""Positions of patches: how alike they are, and the picture of it."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from regard.lens.patch_positions import likeness_picture, position_likeness
from regard.models.images.config import VitConfig
from regard.models.images.vit import VisionTransformer
from regard.nn.grid_positions import SinusoidalGrid


@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_likeness_is_the_cosine_of_positions(positions: str) -> None:
    config = VitConfig(width=8, heads=2, layers=1, positions=positions, registers=2)
    network = VisionTransformer(config, 1, 2, (12, 20), mean=[0.5], std=[0.2])
    likeness = position_likeness(network)
    assert likeness is not None
    table = network.positions.table.detach().double()
    expected = F.cosine_similarity(table[1, 2], table.flatten(0, 1), dim=-1).view(3, 5)
    torch.testing.assert_close(likeness[1, 2].double(), expected, atol=1e-6, rtol=0)


def test_where_no_positions_are_added_there_is_no_likeness() -> None:
    assert position_likeness(nn.Linear(2, 2)) is None


@pytest.mark.parametrize("grid", [(1, 1), (2, 9), (30, 31)])
def test_a_grid_of_any_size_is_drawn(grid: tuple[int, int], tmp_path: Path) -> None:
    likeness = position_likeness(SinusoidalGrid(8, grid))
    assert likeness is not None
    assert likeness_picture(likeness, tmp_path / "positions.png").stat().st_size > 5000

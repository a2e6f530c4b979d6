"""From maps over a picture to what is laid over it."""

import pytest
import torch

from regard.lens import AttentionMap, PatchGrid, Tokens
from regard.lens.on_pictures import heat_of, in_rows_and_columns, layers_and_rollout, looked_at


def a_map(name: str, specials: tuple[str, ...], queries: int | None = None) -> AttentionMap:
    grid = PatchGrid(2, 3, specials, (8, 12))
    weights = torch.softmax(torch.randn(2, len(grid), len(grid)), -1)
    seen = AttentionMap(name, weights, grid, grid)
    return seen if queries is None else seen.rows([queries])


def test_the_class_token_looks_where_there_is_one() -> None:
    seen = a_map("encoder.0.self", ("[CLS]", "[R1]"))
    assert torch.equal(looked_at(seen), seen.mean()[0, 2:].view(2, 3))


def test_else_all_patches_look_and_registers_do_not() -> None:
    seen = a_map("encoder.0.self", ("[R1]",))
    torch.testing.assert_close(looked_at(seen), seen.mean()[1:].mean(0)[1:].view(2, 3))


def test_a_row_looks_for_itself() -> None:
    seen = a_map("encoder.0.self", ("[CLS]",), queries=4)
    assert torch.equal(looked_at(seen), seen.mean()[0, 1:].view(2, 3))
    assert torch.equal(in_rows_and_columns(seen).weights[0], looked_at(seen))
    assert in_rows_and_columns(seen).key_axis.labels == ("0", "1", "2")


def test_several_layers_come_with_their_rollout() -> None:
    maps = [a_map(f"encoder.{layer}.self", ("[CLS]",)) for layer in range(2)]
    heats = layers_and_rollout(maps)
    assert [heat.title.split("\n")[0] for heat in heats] == ["encoder.0.self", "encoder.1.self", "rollout"]
    assert all(heat.title.endswith("\nfaithfulness: not measured") for heat in heats)
    assert heats[2].values.shape == (2, 3)
    assert len(layers_and_rollout(maps[:1])) == 1


def test_words_are_no_picture() -> None:
    with pytest.raises(ValueError, match="is no picture"):
        heat_of(AttentionMap("x", torch.ones(1, 1, 2), Tokens.of("a"), Tokens.of("bc")))


def test_a_fine_grid_is_shown_in_means() -> None:
    grid = PatchGrid(5, 7, (), (5, 7))
    values = torch.rand(35)
    table = in_rows_and_columns(AttentionMap("gate", values.view(1, 1, 35), Tokens(("g",)), grid), most=4)
    assert table.weights.shape == (1, 3, 4)
    assert table.query_axis.labels == ("0", "2", "4")
    torch.testing.assert_close(table.weights[0, 0, 0], values.view(5, 7)[:2, :2].mean())
    torch.testing.assert_close(table.weights[0, 2, 3], values.view(5, 7)[4, 6])  # the last of both, alone

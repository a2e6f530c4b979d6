"""Figures of heads: against sums written out, and heads that are made to play a role."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.lens import AttentionMap, PatchGrid, Tokens
from regard.lens.measures import (
    HeadGrid,
    HeadMeasures,
    Rows,
    clusters,
    confidence,
    divergence,
    entropy,
    heads_table_picture,
    mean_distance,
    relative_entropy,
    role_masks,
)

TEXT = Tokens.of(["the", "cat", "saw", "the", "dog", ".", "and", "the", "cat", "ran", "</s>"])
N = len(TEXT)


def softmax(seed: int, *shape: int, causal: bool = False) -> torch.Tensor:
    logits = 2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if causal:
        logits = logits.masked_fill(torch.ones(shape[-2:]).triu(1) > 0, -torch.inf)
    return torch.softmax(logits, -1)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 6), st.integers(1, 7))
def test_figures_are_the_sums_that_they_say(seed: int, heads: int, queries: int, keys: int) -> None:
    weights = softmax(seed, heads, queries, keys)
    for head, of_head in enumerate(weights.tolist()):
        for query, row in enumerate(of_head):
            bits = -sum(one * math.log2(one) for one in row if one)
            assert float(entropy(weights)[head, query]) == pytest.approx(bits, abs=1e-9)
            far = sum(one * abs(key - query) for key, one in enumerate(row))
            assert float(mean_distance(weights)[head, query]) == pytest.approx(far)
            assert float(confidence(weights)[head, query]) == pytest.approx(max(row))
    apart = divergence(weights)
    for one in range(heads):
        for other in range(heads):
            rows = zip(weights[one].tolist(), weights[other].tolist(), strict=True)
            bits = sum(_kullback(row, other_row) for row, other_row in rows) / queries
            assert float(apart[one, other]) == pytest.approx(bits, abs=1e-9)


def _kullback(row: list[float], other: list[float]) -> float:
    """Jensen–Shannon as its two Kullback–Leibler halves."""
    halves = [(a, b, (a + b) / 2) for a, b in zip(row, other, strict=True)]
    return sum((a * math.log2(a / m) + b * math.log2(b / m)) / 2 for a, b, m in halves)


def test_even_attention_is_as_even_as_can_be_and_has_no_role() -> None:
    even = torch.ones(N, N).tril()
    even = (even / even.sum(-1, keepdim=True)).expand(2, N, N)
    assert relative_entropy(even, even[0] > 0)[:, 1:] == pytest.approx(1.0)
    measures = HeadMeasures()
    measures.add([AttentionMap("h.0.attn", even, TEXT, TEXT)])
    assert [head.role for head in measures.table().heads] == [None, None]
    assert [head.cluster for head in measures.table().heads] == [0, 0]


ROLES = ("previous", "next", "itself", "3 before", "2 after", "first", "separator", "punctuation")


@pytest.mark.parametrize("role", [*ROLES, "same token", "induction"])
def test_a_head_that_plays_a_role_is_known_by_it(role: str) -> None:
    blank = Rows("encoder.0.self", torch.ones(1, N, N), tuple(range(N)), N, TEXT)
    mask = role_masks(blank)[role].double()
    # Seven parts in ten to the role; the rest, and rows that cannot, are spread evenly.
    even = torch.full((N, N), 1 / N, dtype=torch.float64)
    able = mask.any(-1, keepdim=True)
    played = torch.where(able, 0.7 * mask / mask.sum(-1, keepdim=True).clamp_min(1) + 0.3 * even, even)
    measures = HeadMeasures()
    for _ in range(3):
        measures.add([AttentionMap("encoder.0.self", torch.stack([played, even]), TEXT, TEXT)])
    one, other = measures.table().heads
    assert one.role == role
    assert one.share > 0.7
    assert one.share - one.chance > 0.25
    assert other.role is None


def test_rows_of_a_long_text_stand_where_they_stood() -> None:
    weights = softmax(1, 2, N, N, causal=True)
    some = (0, 4, 9)
    rows = Rows("h.0.attn", weights[:, list(some)], some, N, TEXT)
    whole = Rows.of(AttentionMap("h.0.attn", weights, TEXT, TEXT))
    for role, mask in role_masks(whole).items():
        assert torch.equal(role_masks(rows)[role], mask[list(some)]), role
    assert torch.equal(rows.visible, whole.visible[list(some)])
    assert torch.equal(mean_distance(rows.weights, some), mean_distance(weights)[:, list(some)])


def test_from_text_to_text_a_head_may_go_along() -> None:
    source = Tokens.of("abcdefghijkl")
    along = torch.zeros(1, 6, 12)
    for query in range(6):
        along[0, query, 2 * query] = 1
    measures = HeadMeasures()
    measures.add([AttentionMap("decoder.0.cross", along, Tokens.of("uvwxyz"), source)])
    [head] = measures.table().heads
    assert head.role == "same place"
    assert "previous" not in head.shares


def test_patches_have_roles_of_their_own() -> None:
    grid = PatchGrid(3, 3, ("[CLS]",), (9, 9))
    masks = role_masks(Rows("encoder.0.self", torch.ones(1, 10, 10), tuple(range(10)), 10, grid))
    # The patch in the middle: eight beside it, two more in its row and in its column.
    assert [int(masks[name][5].sum()) for name in ("beside", "row", "column", "itself", "[CLS]")] == [
        8,
        2,
        2,
        1,
        1,
    ]
    assert not masks["row"][0].any()  # the class token lies in no row


def test_heads_that_look_alike_are_one_cluster() -> None:
    one, other = softmax(1, N, N), softmax(2, N, N)
    apart = divergence(torch.stack([one, other, one]))
    assert clusters(apart) == [0, 1, 0]
    assert clusters(apart, bar=1.0) == [0, 0, 0]
    # Complete linkage: a chain of neighbours is no cluster if its ends are far apart.
    chain = torch.tensor([[0.0, 0.09, 0.18], [0.09, 0.0, 0.09], [0.18, 0.09, 0.0]])
    assert clusters(chain) == [0, 0, 1]


def test_means_are_over_rows_of_all_inputs(tmp_path: object) -> None:
    short, long = Tokens.of("ab"), Tokens.of("abcdef")
    first, second = softmax(3, 2, 2, 2), softmax(4, 2, 6, 6)
    measures = HeadMeasures()
    measures.add([AttentionMap("encoder.0.self", first, short, short)])
    measures.add([AttentionMap("encoder.0.self", second, long, long)])
    table = measures.table()
    assert (table.inputs, table.rows) == (2, 8)
    expected = torch.cat([entropy(first), entropy(second)], 1).mean(1)
    assert [head.entropy for head in table.heads] == pytest.approx(expected.tolist())
    with pytest.raises(ValueError, match="no head to measure"):
        HeadMeasures().table()
    assert HeadGrid(table)
    assert heads_table_picture(table, f"{tmp_path}/heads.svg").exists()

"""Axes, maps and joining subwords."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.lens import AttentionMap, Tokens, join_subwords


def a_map(queries: int = 3, keys: int = 4, heads: int = 2) -> AttentionMap:
    weights = torch.softmax(torch.randn(heads, queries, keys, generator=torch.Generator().manual_seed(0)), -1)
    names = [f"t{index}" for index in range(max(queries, keys))]
    return AttentionMap("decoder.0.cross", weights, Tokens.of(names[:queries]), Tokens.of(names[:keys]))


def test_weights_must_fit_the_axes() -> None:
    with pytest.raises(ValueError, match=r"decoder\.0\.self: weights of shape \[1, 2, 2\]"):
        AttentionMap("decoder.0.self", torch.ones(1, 2, 2), Tokens.of("ab"), Tokens.of("abc"))


def test_an_axis_needs_one_word_number_a_token() -> None:
    with pytest.raises(ValueError, match="2 tokens"):
        Tokens(("a", "b"), words=(0,))


def test_labels_lose_word_marks_but_never_vanish() -> None:
    assert Tokens.of(["▁the", "▁cat", "▁", "</s>"]).labels == ("the", "cat", "▁", "</s>")
    assert Tokens.of(["the", "Ġcat", "Ġ"]).labels == ("the", "cat", "Ġ")
    assert Tokens.of(["a", "ĠĠĠx", "ĠĠĠ"]).labels == ("a", "x", "ĠĠĠ")


def test_a_letter_that_is_a_mark_elsewhere_is_kept() -> None:
    maltese = Tokens.of(["▁Ġunju", "▁", "Ġ", "urnata", "</s>"], words=[0, 1, 1, 1, None])
    assert maltese.labels == ("Ġunju", "▁", "Ġ", "urnata", "</s>")
    assert maltese.joined().texts == ("Ġunju", "Ġurnata", "</s>")


def test_letters_spelt_in_bytes_are_letters_again_in_words() -> None:
    axis = Tokens.of(["▁", "<0xEA>", "<0xB3>", "<0xA0>", "양"], words=[0, 0, 0, 0, 0])
    assert axis.joined().texts == ("고양",)


def test_words_of_equal_number_join_only_where_they_touch() -> None:
    assert Tokens.of("abcd", words=[0, 0, None, 0]).groups() == [[0, 1], [2], [3]]
    assert Tokens.of("ab", words=[None, None]).groups() == [[0], [1]]


def test_find_prefers_the_same_case() -> None:
    axis = Tokens.of(["▁The", "▁cat", "▁the"])
    assert axis.find("the") == 2
    assert axis.find("CAT") == 1
    with pytest.raises(ValueError, match="no 'dog' among: The cat the"):
        axis.find("dog")


def test_one_head_and_rows() -> None:
    seen = a_map()
    assert seen.head(1).name == "decoder.0.cross head 1"
    torch.testing.assert_close(seen.head(1).mean(), seen.weights[1])
    assert seen.rows([2, 0]).query_axis.texts == ("t2", "t0")
    torch.testing.assert_close(seen.rows([2]).weights, seen.weights[:, 2:3])
    with pytest.raises(ValueError, match="heads 0 to 1; there is no head 2"):
        seen.head(2)


def test_json_is_json() -> None:
    there_and_back = json.loads(json.dumps(a_map().to_json()))
    assert there_and_back["queries"] == ["t0", "t1", "t2"]
    torch.testing.assert_close(torch.tensor(there_and_back["weights"]), a_map().weights, atol=1e-6, rtol=0)


@settings(max_examples=30, deadline=None)
@given(
    query_words=st.lists(st.one_of(st.none(), st.integers(0, 2)), min_size=1, max_size=6),
    key_words=st.lists(st.one_of(st.none(), st.integers(0, 2)), min_size=1, max_size=6),
)
def test_rows_still_sum_to_one_when_subwords_are_joined(
    query_words: list[int | None], key_words: list[int | None]
) -> None:
    weights = torch.softmax(torch.randn(2, len(query_words), len(key_words)), -1)
    queries = Tokens.of([f"q{index}" for index in range(len(query_words))], query_words)
    keys = Tokens.of([f"k{index}" for index in range(len(key_words))], key_words)
    joined = join_subwords(AttentionMap("m", weights, queries, keys))
    assert joined.weights.shape == (2, len(queries.groups()), len(keys.groups()))
    torch.testing.assert_close(joined.weights.sum(-1), torch.ones(joined.weights.shape[:2]))

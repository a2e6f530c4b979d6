"""Alignments: their format, their score, and what is made of weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.errors import UserError
from regard.lens.alignment import Links, alignment_score, links_of, read_links, word_weights

LINKS = st.frozensets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12)


@given(sure=LINKS, possible=LINKS)
def test_what_is_written_is_read(
    sure: frozenset[tuple[int, int]], possible: frozenset[tuple[int, int]]
) -> None:
    links = Links.of(sure, possible)
    assert Links.parse(str(links)) == links
    assert links.sure == sure
    assert links.every == sure | possible


def test_files_are_strict(tmp_path: Path) -> None:
    path = tmp_path / "links"
    path.write_text("0-0 1p2 3?1\n\n2-1\n", encoding="utf-8")
    found = read_links(path)
    assert found == [Links.of([(0, 0)], [(1, 2), (3, 1)]), Links(), Links.of([(2, 1)])]
    path.write_text("\ufeff0-0\n", encoding="utf-8")
    assert read_links(path) == [Links.of([(0, 0)])]
    for bad in ("0-0 1:1", "0-", "-1-0", "1–2", "٣-1", "a-b"):
        path.write_text(f"0-0\n{bad}\n", encoding="utf-8")
        with pytest.raises(UserError, match=r"links, line 2: .* is no link"):
            read_links(path)
    with pytest.raises(UserError, match="cannot read the alignments"):
        read_links(tmp_path / "none")
    with pytest.raises(ValueError, match="the link 3-0 leads out of sentences of 3 and 1 words"):
        Links.parse("0-0 3?0").check(3, 1)


CASES = [
    # found, reference, error rate by hand
    ("0-0 1-1", "0-0 1-1", 0.0),
    ("0-0 1-1", "0-1 1-0", 1.0),
    ("0-0 1-1", "0-0 1?1", 1 - (1 + 2) / (2 + 1)),
    ("0-0 1-1 2-2", "0-0 3-3 1?1", 1 - (1 + 2) / (3 + 2)),
    ("", "0-0", 1.0),
    ("0-0", "0?0", 0.0),
    ("", "", 0.0),
]


@pytest.mark.parametrize(("found", "reference", "rate"), CASES)
def test_error_rate_by_hand(found: str, reference: str, rate: float) -> None:
    assert alignment_score([Links.parse(found)], [Links.parse(reference)]).error_rate == pytest.approx(rate)


def test_sentences_are_counted_together() -> None:
    found = [Links.parse("0-0 1-1 2-2"), Links.parse("0-0")]
    reference = [Links.parse("0-0 1-1 2-2"), Links.parse("0-1")]
    score = alignment_score(found, reference)
    assert (score.error_rate, score.precision, score.recall, score.sentences) == (0.25, 0.75, 0.75, 2)
    with pytest.raises(ValueError, match="shorter"):
        alignment_score(found, reference[:1])


def test_weights_of_words() -> None:
    weights = torch.rand(2, 4, 5, generator=torch.Generator().manual_seed(1))
    found = word_weights(weights, [0, 0, 1, None], [0, 1, 1, 2, None])
    assert found.shape == (2, 2, 3)
    torch.testing.assert_close(found[:, 0, 1], weights[:, :2, 1:3].sum(-1).mean(-1))
    torch.testing.assert_close(found[:, 1, 2], weights[:, 2, 3])


def test_links_of_weights() -> None:
    weights = torch.tensor([[0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.0, 0.0, 0.0]])
    assert str(links_of(weights)) == "1-0 1-1"
    assert str(links_of(weights, threshold=0.5)) == "1-0"
    assert str(links_of(weights, both=True)) == "1-0"
    assert links_of(torch.zeros(0, 3)) == Links()

"""Encoded corpora: what went in comes out, whole or not at all, and batches are padded rightly."""

import json
import multiprocessing
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from regard.data import BatchPlan
from regard.data.errors import DataError
from regard.data.text import (
    Documents,
    EncodedCorpus,
    FilterConfig,
    Labels,
    Pair,
    TextCorpus,
    Tokenizer,
    TokenizerConfig,
    build_corpus,
    collate_labelled,
    collate_pairs,
    labelled_batch,
    pair_batch,
    recut,
)
from regard.data.text import build as build_module
from regard.data.text.casual import with_casual

PAIRS = [
    Pair(f"the {animal} sat on the {place}", f"l' {animal} est sur le {place} ici")
    for animal in ("cat", "dog", "bird", "horse")
    for place in ("mat", "roof", "table", "old wooden chair")
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train((text for pair in PAIRS for text in pair), TokenizerConfig(vocabulary=300))


@pytest.fixture
def corpus(tokenizer: Tokenizer, tmp_path: Path) -> EncodedCorpus:
    return build_corpus(PAIRS, (tokenizer, tokenizer), tmp_path / "corpus")


def rows_of(corpus: EncodedCorpus) -> list[list[list[int]]]:
    return [[side.tolist() for side in corpus[row]] for row in range(len(corpus))]


def test_rows_come_back(corpus: EncodedCorpus, tokenizer: Tokenizer) -> None:
    assert rows_of(corpus) == [[tokenizer.encode(text) for text in pair] for pair in PAIRS]
    assert corpus.lengths.tolist() == [[len(ids) for ids in row] for row in rows_of(corpus)]
    assert corpus.source.ids.dtype == np.uint16
    with pytest.raises(IndexError):
        corpus[len(PAIRS)]


def test_it_is_mapped_not_read(corpus: EncodedCorpus) -> None:
    assert isinstance(corpus.source.ids.base, np.memmap)
    assert not corpus.source.ids.flags.writeable


def test_chunks_and_streams_give_the_same(
    corpus: EncodedCorpus, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_module, "CHUNK", 3)
    again = build_corpus(iter(PAIRS), (tokenizer, tokenizer), tmp_path / "again")
    assert rows_of(again) == rows_of(corpus)
    assert (again.lengths == corpus.lengths).all()


def test_many_ids_take_more_bytes(tmp_path: Path) -> None:
    class Wide:
        size = 100_000

        def encode_batch(self, texts: list[str]) -> list[list[int]]:
            return [[70_000] for _ in texts]

        def to_bytes(self) -> bytes:
            return b"wide"

    corpus = build_corpus([("a", "b")], (Wide(), Wide()), tmp_path / "wide")
    assert corpus[0][0].tolist() == [70_000]


def test_a_finished_corpus_is_used_again(tokenizer: Tokenizer, tmp_path: Path) -> None:
    def never() -> Iterator[Pair]:
        raise AssertionError("read again")
        yield

    both = (tokenizer, tokenizer)
    first = build_corpus(PAIRS, both, tmp_path / "c", key="mine")
    assert build_corpus(never(), both, tmp_path / "c", key="mine").digest == first.digest
    for change in ({"key": "other"}, {"key": "mine", "filters": FilterConfig(max_length=9)}, {"key": ""}):
        with pytest.raises(AssertionError, match="read again"):
            build_corpus(never(), both, tmp_path / "c", **change)  # type: ignore[arg-type]
    assert EncodedCorpus(tmp_path / "c").digest == first.digest  # a failed attempt leaves the old one
    changed = build_corpus(PAIRS[1:], both, tmp_path / "c", key="other")
    assert changed.digest != first.digest


@pytest.mark.parametrize("file", ["source.ids", "target.starts", "lengths", "corpus.json"])
def test_a_damaged_corpus_is_made_anew(tokenizer: Tokenizer, tmp_path: Path, file: str) -> None:
    both = (tokenizer, tokenizer)
    whole = rows_of(build_corpus(PAIRS, both, tmp_path / "c", key="mine"))
    path = tmp_path / "c" / file
    path.write_bytes(path.read_bytes()[:-3])
    assert rows_of(build_corpus(PAIRS, both, tmp_path / "c", key="mine")) == whole
    path.unlink()
    if file != "corpus.json":  # without it the folder might be anybody's
        assert rows_of(build_corpus(PAIRS, both, tmp_path / "c", key="mine")) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_a_failed_build_leaves_nothing(tokenizer: Tokenizer, tmp_path: Path) -> None:
    def broken() -> Iterator[Pair]:
        yield PAIRS[0]
        raise DataError("line 2: bad")

    with pytest.raises(DataError, match="line 2"):
        build_corpus(broken(), (tokenizer, tokenizer), tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_filters_and_their_report(tokenizer: Tokenizer, tmp_path: Path) -> None:
    rows = [
        *PAIRS,
        PAIRS[0],
        Pair("", "x"),
        Pair("the cat", "  "),
        Pair("cat " * 50, "cat " * 50),
        Pair("the", "cat " * 12),
    ]
    corpus = build_corpus(
        rows,
        (tokenizer, tokenizer),
        tmp_path / "c",
        filters=FilterConfig(max_length=40, max_ratio=3.0, slack=5),
    )
    assert corpus.report == {
        "read": len(rows),
        "kept": len(PAIRS),
        "empty": 2,
        "duplicates": 1,
        "too_long": 1,
        "unlike_lengths": 1,
    }
    assert len(corpus) == len(PAIRS)


def test_casual_pairs() -> None:
    pairs = [
        Pair("Hello, Tom!", "Salut, Tom\u202f!"),
        Pair("No mark", "Sans point"),
        Pair("No mark here", "Un point."),
        Pair("…", "…"),
        Pair("A space ", "Une espace "),
        Pair("네, 그래요。", "Oui."),
    ]
    every = list(with_casual(pairs, 1.0))
    assert [pair for pair in every if pair in pairs] == pairs
    added = [pair for pair in every if pair not in pairs]
    assert [pair.target for pair in added] == ["Salut, Tom", "Oui"]
    assert added[0].source.lower() == "hello, tom"
    assert added[1].source == "네, 그래요"
    assert list(with_casual(pairs, 0.0)) == pairs


def test_casual_pairs_are_a_share_that_order_does_not_change() -> None:
    pairs = [Pair(f"Number {i}.", f"Nombre {i}.") for i in range(4000)]
    added = set(with_casual(pairs, 0.25)) - set(pairs)
    assert set(with_casual(reversed(pairs), 0.25)) - set(pairs) == added
    assert set(with_casual(pairs, 0.5)) > added
    assert len(added) == pytest.approx(1000, abs=120)
    assert sum(pair.source.islower() for pair in added) == pytest.approx(500, abs=90)


def test_nothing_left(tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine: no rows are left \(2 rows read, 0 kept; left out: 2 empty"):
        build_corpus([Pair("", ""), Pair(" ", "x")], (tokenizer, tokenizer), tmp_path / "c", name="mine")


def test_a_folder_in_use_is_left_alone(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(DataError, match="holds something else"):
        build_corpus(PAIRS, (tokenizer, tokenizer), tmp_path)
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_two_processes_may_build_the_same(tokenizer: Tokenizer, tmp_path: Path) -> None:
    both = (tokenizer, tokenizer)

    def while_another_finishes() -> Iterator[Pair]:
        yield PAIRS[0]
        build_corpus(PAIRS, both, tmp_path / "c", key="same")
        yield from PAIRS[1:]

    late = build_corpus(while_another_finishes(), both, tmp_path / "c", key="same")
    assert len(late) == len(PAIRS)
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_a_full_disk(tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build_module._SideWriter, "write", full)
    with pytest.raises(DataError, match="No space left"):
        build_corpus(PAIRS, (tokenizer, tokenizer), tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["source.ids", "target.starts", "lengths", "corpus.json"])
def test_damage_is_named(corpus: EncodedCorpus, file: str) -> None:
    path = corpus.folder / file
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    with pytest.raises(DataError, match=file):
        EncodedCorpus(corpus.folder)
    path.unlink()
    with pytest.raises(DataError, match=file):
        EncodedCorpus(corpus.folder)


def test_another_format_is_refused(corpus: EncodedCorpus) -> None:
    path = corpus.folder / "corpus.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(DataError, match="format 99"):
        EncodedCorpus(corpus.folder)


def _sum_in_worker(corpus: EncodedCorpus) -> int:
    return int(corpus.source.ids.sum())


def test_workers_map_the_same_file(corpus: EncodedCorpus) -> None:
    assert len(pickle.dumps(corpus)) < 1000
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(_sum_in_worker, [corpus]) == [_sum_in_worker(corpus)]


def test_progress_is_shown(tokenizer: Tokenizer, tmp_path: Path) -> None:
    console = Console(record=True, force_terminal=True, width=100)
    build_corpus(
        PAIRS, (tokenizer, tokenizer), tmp_path / "c", console=console, total=len(PAIRS), name="sixteen"
    )
    assert "Encoding sixteen" in console.export_text()


class TestBatches:
    def test_quick_and_plain_agree(self, corpus: EncodedCorpus) -> None:
        rows = BatchPlan(corpus.lengths, 64, 0).plan(0, 0)
        quick = pair_batch(*corpus.gather(rows))
        plain = collate_pairs(*zip(*(corpus[int(row)] for row in rows), strict=True))
        for name in ("source", "source_mask", "target_in", "target_out"):
            assert torch.equal(getattr(quick, name), getattr(plain, name))
        assert (quick.tokens, quick.filled, quick.positions) == (plain.tokens, plain.filled, plain.positions)

    def test_what_is_counted(self) -> None:
        batch = collate_pairs([[7, 8, 9], [7]], [[6], []])
        assert batch.tokens == 3  # one word and two </s>
        assert batch.positions == 2 * 4 + 2 * 2
        assert batch.filled == 4 + 2 + 3
        assert batch.source_mask.tolist() == [[True] * 4, [True, True, False, False]]
        assert batch.target_in.tolist() == [[2, 6], [2, 0]]
        assert batch.target_out.tolist() == [[6, 3], [3, -100]]
        assert batch.to("cpu").tokens == 3

    def test_an_empty_batch(self) -> None:
        batch = collate_pairs([], [])
        assert len(batch.source) == batch.tokens == 0

    def test_labelled(self, tokenizer: Tokenizer, tmp_path: Path) -> None:
        labels = Labels.of(["good", "bad"])
        rows = [("the cat", "good"), ("the old dog sat", "bad")]
        corpus = build_corpus(rows, (tokenizer, labels), tmp_path / "c")
        batch = labelled_batch(*corpus.gather(np.array([1, 0])))
        plain = collate_labelled([tokenizer.encode(rows[1][0]), tokenizer.encode(rows[0][0])], [0, 1])
        assert torch.equal(batch.inputs, plain.inputs)
        assert batch.targets.tolist() == [0, 1]
        assert batch.inputs[0, 0] == tokenizer.cls
        assert batch.inputs[batch.mask].tolist().count(tokenizer.sep) == 2
        assert Labels.from_bytes(labels.to_bytes()).names == ("bad", "good")
        with pytest.raises(DataError, match="label 'ugly' is not one of 'bad', 'good'"):
            labels.encode_batch(["ugly"])
        with pytest.raises(DataError, match="at least two"):
            Labels.of(["good", "good"])

    def test_cut_anew_each_row_depends_on_itself_alone(
        self, corpus: EncodedCorpus, tokenizer: Tokenizer
    ) -> None:
        def cut(rows: list[int], *key: int) -> list[list[int]]:
            numbers = np.array(rows)
            ids, lengths = recut(corpus.source.gather(numbers), numbers, tokenizer.merges, 0.5, longest, key)
            return [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]

        longest = 1000

        all_rows = cut([0, 1, 2, 3, 4, 5], 1, 2, 0)
        assert cut([4, 1], 1, 2, 0) == [all_rows[4], all_rows[1]]
        assert all_rows != cut([0, 1, 2, 3, 4, 5], 1, 3, 0)
        assert [tokenizer.decode(ids) for ids in all_rows] == [pair.source for pair in PAIRS[:6]]
        longest = max(map(len, all_rows)) - 1
        short = cut([0, 1, 2, 3, 4, 5], 1, 2, 0)
        for row, (bounded, free) in enumerate(zip(short, all_rows, strict=True)):
            assert bounded == (free if len(free) <= longest else corpus[row][0].tolist())
        assert short != all_rows


class TestBlocks:
    @pytest.fixture
    def texts(self, tokenizer: Tokenizer, tmp_path: Path) -> TextCorpus:
        rows = [(pair.source,) for pair in PAIRS]
        return TextCorpus(build_corpus(rows, (Documents(tokenizer),), tmp_path / "t"), block=16)

    def test_every_token_is_a_target_once_except_the_first_of_documents(self, texts: TextCorpus) -> None:
        batch = texts.batch(np.arange(len(texts)))
        stream = texts.corpus.source.ids
        said = batch.targets[batch.targets >= 0].tolist()
        assert said == [int(i) for i in stream if i != Tokenizer.bos]
        assert batch.tokens == len(said)
        assert batch.filled == len(stream) - 1
        assert batch.positions == len(texts) * 16

    def test_a_corpus_shorter_than_a_block(self, tokenizer: Tokenizer, tmp_path: Path) -> None:
        corpus = build_corpus([("the cat",)], (Documents(tokenizer),), tmp_path / "t")
        texts = TextCorpus(corpus, block=64)
        assert len(texts) == 1
        batch = texts.batch([0])
        assert batch.inputs.shape == (1, 64)
        assert batch.tokens == int(batch.mask.sum()) == len(tokenizer.encode("the cat")) + 1

    def test_documents_apart_are_numbered(self, texts: TextCorpus) -> None:
        assert texts.batch(range(len(texts))).documents is None
        batch = TextCorpus(texts.corpus, block=16, apart=True).batch(range(len(texts)))
        assert batch.documents is not None
        begins = batch.inputs[:, 1:] == Tokenizer.bos
        assert begins.any()
        assert torch.equal(batch.documents.diff() == 1, begins)
        assert torch.equal(batch.documents.diff() == 0, ~begins)

    def test_bad_blocks(self, texts: TextCorpus) -> None:
        with pytest.raises(ValueError, match="at least 2"):
            TextCorpus(texts.corpus, 1)
        with pytest.raises(IndexError):
            texts[len(texts)]

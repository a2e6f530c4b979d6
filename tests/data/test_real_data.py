"""Figures on real data; run only where REGARD_DATA holds it."""

import os
from pathlib import Path

import numpy as np
import pytest

from regard.data import BatchPlan
from regard.data.held_out import sentence_key
from regard.data.text import (
    FilterConfig,
    Tokenizer,
    TokenizerConfig,
    build_corpus,
    grouped,
    load_split,
    pair_batch,
)

ROOT = Path(os.environ.get("REGARD_DATA", "nowhere"))


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (ROOT / name).is_dir(), reason=f"no {name} under REGARD_DATA")


@needs("multi30k")
def test_captions_are_padded_less_than_5_percent(tmp_path: Path) -> None:
    pairs = list(load_split("multi30k", "train", "en", "fr"))
    tokenizer = Tokenizer.train((text for pair in pairs for text in pair), TokenizerConfig(vocabulary=8000))
    assert tokenizer.size == 8000
    assert all(tokenizer.decode(tokenizer.encode(text)) == text for pair in pairs[:500] for text in pair)
    corpus = build_corpus(pairs, (tokenizer, tokenizer), tmp_path / "c", filters=FilterConfig())
    plan = BatchPlan(corpus.lengths, 4096, seed=1, folder=corpus.folder)
    filled = cells = 0
    for step in range(plan.steps_per_epoch):
        batch = pair_batch(*corpus.gather(plan.plan(0, step)))
        filled, cells = filled + batch.filled, cells + batch.positions
        rows, longest = len(batch.source), max(batch.source.shape[1], batch.target_in.shape[1])
        assert rows * longest <= 4096
    assert 1 - filled / cells < 0.05


@needs("tatoeba-en-fr")
def test_everyday_sentences_do_not_leak() -> None:
    splits = {split: list(load_split("tatoeba-en-fr", split)) for split in ("train", "validation", "test")}
    keys = {split: {sentence_key(pair.source) for pair in pairs} for split, pairs in splits.items()}
    assert not keys["train"] & (keys["validation"] | keys["test"])
    assert not keys["validation"] & keys["test"]
    for split in ("validation", "test"):
        assert 1800 < len(grouped(splits[split])) < 2200
    assert np.mean([len(one.references) for one in grouped(splits["test"])]) > 1.3


@needs("tatoeba-en-ko")
@pytest.mark.parametrize("kind", ["bpe", "unigram", "character"])
def test_korean_comes_back(kind: str) -> None:
    pairs = list(load_split("tatoeba-en-ko", "train"))
    config = TokenizerConfig.model_validate({"kind": kind, "vocabulary": 2000})
    tokenizer = Tokenizer.train((text for pair in pairs for text in pair), config)
    for pair in load_split("tatoeba-en-ko", "test"):
        for text in pair:
            assert tokenizer.decode(tokenizer.encode(text)) == tokenizer.normalise(text)

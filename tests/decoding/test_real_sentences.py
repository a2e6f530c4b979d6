"""With the model that ships, on real sentences: runs where both are found."""

import gzip
import os
from importlib import resources
from pathlib import Path

import pytest
import torch

from regard.decoding import DecodingConfig, decode_batches, search

REAL = Path(os.environ.get("REGARD_DATA", "nowhere")) / "multi30k" / "test_2016_flickr.en.gz"
SHIPPED = Path(str(resources.files("regard"))) / "pretrained" / "en-fr"

pytestmark = [
    pytest.mark.skipif(not REAL.is_file(), reason="REGARD_DATA has no multi30k"),
    pytest.mark.skipif(not SHIPPED.is_dir(), reason="no model ships"),
]


@pytest.fixture(scope="module")
def model_and_sources():
    from regard.tasks import load

    translator = load("en-fr")
    with gzip.open(REAL, "rt", encoding="utf-8") as lines:
        sentences = [line.strip() for line in lines][:500]
    tokenizer = translator.vocabularies.source
    return translator.model, [[*ids, tokenizer.eos] for ids in tokenizer.encode_batch(sentences)], tokenizer


def translated(model_and_sources, batches, config):
    model, sources, tokenizer = model_and_sources
    found = {}
    for batch in batches:
        longest = max(len(sources[i]) for i in batch)
        rows = [sources[i] + [tokenizer.pad] * (longest - len(sources[i])) for i in batch]
        real = torch.tensor([[place < len(sources[i]) for place in range(longest)] for i in batch])
        results = search(model, torch.tensor(rows), real, config, bos=tokenizer.bos, eos=tokenizer.eos)
        found |= {i: [h.tokens for h in result] for i, result in zip(batch, results, strict=True)}
    return found


def in_order(count, size):
    return [list(range(start, min(start + size, count))) for start in range(0, count, size)]


@pytest.mark.parametrize(("beam", "count"), [(1, 500), (5, 500)])
def test_a_translation_does_not_depend_on_the_batch(model_and_sources, beam, count):
    config = DecodingConfig(beam=beam, n_best=min(beam, 2))
    alone = translated(model_and_sources, in_order(count, 1), config)
    for size in (7, 64):
        assert translated(model_and_sources, in_order(count, size), config) == alone
    lengths = [len(source) for source in model_and_sources[1][:count]]
    assert translated(model_and_sources, decode_batches(lengths), config) == alone

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import BOS, EOS, padded, sources, translator

from regard.decoding import DecodingConfig, search
from regard.decoding.candidates import log_normaliser
from regard.decoding.repetition import control_repetition, repeated


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(1, 4))
def test_finds_what_would_complete_an_ngram_again(row, size):
    _, tokens = repeated(np.array([row]), size)
    grams = {tuple(row[i : i + size]) for i in range(len(row) - size + 1)}
    tail = row[len(row) - size + 1 :] if size > 1 else []
    assert set(tokens.tolist()) == {t for t in range(4) if (*tail, t) in grams}


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 3),
    dials=st.sampled_from([{"beam": 1}, {"beam": 3}, {"sample": True, "n_best": 2}]),
)
def test_no_ngram_comes_twice(seed, size, dials):
    model = translator(seed)
    config = DecodingConfig(no_repeat_ngram=size, max_ratio=1.0, max_extra=15, **dials)
    for found in search(model, *padded(sources(seed, 4)), config, bos=BOS, eos=EOS):
        for hypothesis in found:
            tokens = hypothesis.tokens
            grams = [tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)]
            assert len(grams) == len(set(grams))


def test_penalty_multiplies_log_probabilities_of_what_was_said():
    logits = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    before = logits.log_softmax(1)
    normaliser = log_normaliser(logits)
    history = np.array([[4, 4], [5, EOS]])
    config = DecodingConfig(repetition_penalty=1.5)
    control_repetition(logits, normaliser, history, config, eos=EOS)
    after = logits - normaliser[:, None]
    expected = before.clone()
    expected[0, 4] *= 1.5
    expected[1, 5] *= 1.5
    torch.testing.assert_close(after, expected)


@pytest.mark.parametrize("width", [1, 4])
def test_penalty_makes_outputs_repeat_less(width):
    def repeats(penalty: float) -> int:
        config = DecodingConfig(beam=width, repetition_penalty=penalty, max_ratio=0, max_extra=12)
        found = search(translator(1), *padded(sources(3, 12)), config, bos=BOS, eos=EOS)
        return sum(len(h.tokens) - len(set(h.tokens)) for (h,) in found)

    assert repeats(3.0) < repeats(1.0)

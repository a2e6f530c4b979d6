import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import BOS, EOS, padded, sources, translator

from regard.decoding import DecodingConfig, Hypothesis, search
from regard.decoding.invariance import Found, decode_alike
from regard.models.text import ModelConfig, build_translator


class Noisy:
    """A translator whose logits have noise that depends on the batch, a hundred times that of float32."""

    def __init__(self, model, noise):
        self.model, self.noise, self.max_length = model, noise, None
        self.encode, self.start = model.encode, model.start

    def step(self, tokens, cache):
        return self.model.step(tokens, cache)

    def logits(self, states):
        logits = self.model.logits(states)
        generator = torch.Generator().manual_seed(len(states))
        return logits + self.noise * (2 * torch.rand(logits.shape, generator=generator) - 1)


CONFIGS = [
    DecodingConfig(beam=1, max_ratio=1.0, max_extra=6),
    DecodingConfig(beam=4, n_best=2, max_ratio=1.0, max_extra=6),
    DecodingConfig(sample=True, top_k=5, top_p=0.9, max_ratio=1.0, max_extra=6),
    DecodingConfig(sample=True, top_k=5, n_best=4, max_ratio=1.0, max_extra=6),
]


def in_batches(model, rows, config, size):
    found = []
    for start in range(0, len(rows), size):
        found += search(model, *padded(rows[start : start + size]), config, bos=BOS, eos=EOS)
    return [[h.tokens for h in hypotheses] for hypotheses in found]


@pytest.mark.parametrize("config", CONFIGS, ids=["greedy", "beam", "sample", "samples"])
def test_noise_that_depends_on_the_batch_never_changes_a_result(config):
    model = Noisy(translator(1, vocabulary=30, sharpness=0.5, dtype=torch.float32), noise=2e-6)
    rows = sources(1, 150, vocabulary=30)
    alone = in_batches(model, rows, config, 1)
    for size in (2, 7, 64):
        assert in_batches(model, rows, config, size) == alone


def test_without_it_noise_does_change_results():
    model = Noisy(translator(1, vocabulary=30, sharpness=0.5, dtype=torch.float32), noise=2e-4)
    config = CONFIGS[1].model_copy(update={"batch_invariant": False})
    rows = sources(1, 150, vocabulary=30)
    assert in_batches(model, rows, config, 64) != in_batches(model, rows, config, 1)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), config=st.sampled_from(CONFIGS))
def test_transformers_of_random_weights_translate_alike_in_any_batch(seed, config):
    torch.manual_seed(seed)
    model = build_translator(ModelConfig(width=32, heads=2, layers=2), 90, 90, joint=True, pad=0)
    rows = sources(seed, 24, vocabulary=90, longest=12)
    alone = in_batches(model, rows, config, 1)
    assert in_batches(model, rows, config, 24) == alone
    backwards = in_batches(model, rows[::-1], config, 7)
    assert backwards[::-1] == alone


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e-3, 1e-3), min_size=1, max_size=6), st.integers(0, 10**6))
def test_whatever_the_noise_the_result_is_that_of_the_sentence_alone(leads, seed):
    """Decisions between two candidates: the lead of the first is seen through noise well below the margin."""

    def decode(numbers):
        noise = np.random.default_rng([seed, len(numbers)]).uniform(-2e-5, 2e-5, len(leads))
        seen = [leads[n] + noise[n] for n in numbers]
        found = [[Hypothesis([int(lead > 0)], 0.0, 0.0)] for lead in seen]
        return Found(found, np.array([abs(lead) < 1e-4 for lead in seen]))

    together = decode_alike(decode, len(leads))
    assert together == [decode([n]).hypotheses[0] for n in range(len(leads))]
    assert decode_alike(decode, 0) == []

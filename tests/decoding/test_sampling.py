import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import BOS, EOS, language_model, padded, sources, translator

from regard.decoding import DecodingConfig, generate, search
from regard.decoding.sampling import Sampler, keep_probable

SAMPLE = DecodingConfig(sample=True, n_best=3, max_ratio=1.0, max_extra=5)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.permutations(range(7)))
def test_samples_do_not_depend_on_batch_or_order(seed, order):
    model = translator(seed)
    rows = sources(seed, 7)
    together = search(model, *padded(rows), SAMPLE, bos=BOS, eos=EOS)
    shuffled = search(model, *padded([rows[i] for i in order]), SAMPLE, bos=BOS, eos=EOS)
    alone = [search(model, *padded([row]), SAMPLE, bos=BOS, eos=EOS)[0] for row in rows]
    for i, place in enumerate(order):
        assert [h.tokens for h in shuffled[i]] == [h.tokens for h in together[place]]
    assert [[h.tokens for h in a] for a in alone] == [[h.tokens for h in t] for t in together]


def test_seeds_and_samples_differ():
    model = translator(1, sharpness=0.3)
    source, mask = padded(sources(1, 4, longest=5))
    first = search(model, source, mask, SAMPLE, bos=BOS, eos=EOS)
    other = search(model, source, mask, SAMPLE.model_copy(update={"seed": 2}), bos=BOS, eos=EOS)
    assert first != other
    assert any(len({tuple(h.tokens) for h in drawn}) == 3 for drawn in first)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_distribution(temperature):
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    count = 8000
    sampler = Sampler(DecodingConfig(sample=True, temperature=temperature), [[i] for i in range(count)])
    tokens, _ = sampler(probabilities.log().expand(count, -1), np.arange(count))
    expected = (probabilities.log() / temperature).softmax(0)
    shares = tokens.bincount(minlength=4) / count
    assert (shares - expected).abs().max() < 4 * (0.25 / count) ** 0.5


@given(st.integers(0, 10**6), st.integers(0, 12), st.floats(0.05, 1.0))
def test_only_probable_tokens_are_kept(seed, top_k, top_p):
    logits = 3 * torch.randn(4, 9, generator=torch.Generator().manual_seed(seed))
    kept, _ = keep_probable(logits, top_k, top_p)
    for row, left in zip(logits, kept, strict=True):
        order = row.argsort(descending=True)[: top_k or None]
        share = row[order].double().softmax(0)
        wanted = [int(t) for t, before in zip(order, share.cumsum(0) - share, strict=True) if before < top_p]
        assert left.isfinite().nonzero().flatten().tolist() == sorted(wanted or [int(order[0])])


def test_near_borders_of_what_is_kept_show_as_small_margins():
    logits = torch.tensor([[3.0, 1.0, 1.0 - 1e-6, 0.0], [3.0, 1.0, 0.5, 0.0]])
    assert [float(gap) < 1e-4 for gap in keep_probable(logits, 2, 1.0)[1]] == [True, False]
    share = torch.tensor([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1]]).log()
    assert [float(gap) < 1e-4 for gap in keep_probable(share, 0, 0.6 + 1e-6)[1]] == [True, False]


def test_a_language_model_samples_from_the_best():
    config = DecodingConfig(sample=True, n_best=4, top_k=1)
    (drawn,) = generate(language_model(1), [[BOS, 5]], config, length=6, eos=EOS)
    (best,) = generate(language_model(1), [[BOS, 5]], DecodingConfig(beam=1), length=6, eos=EOS)
    assert all(h.tokens == best[0].tokens for h in drawn)

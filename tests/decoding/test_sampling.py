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


def test_the_best_sample_comes_first():
    model = translator(1, sharpness=0.3)
    source, mask = padded(sources(1, 4, longest=5))
    several = search(model, source, mask, SAMPLE, bos=BOS, eos=EOS)
    one = search(model, source, mask, SAMPLE.changed(n_best=1), bos=BOS, eos=EOS)
    for drawn, (first,) in zip(several, one, strict=True):
        assert [h.score for h in drawn] == sorted((h.score for h in drawn), reverse=True)
        assert first.tokens in [h.tokens for h in drawn]  # which are drawn does not follow from how many


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
        assert left.nonzero().flatten().tolist() == sorted(wanted or [int(order[0])])


def test_what_is_near_the_border_is_told():
    logits = torch.tensor([[3.0, 1.0, 1.0 - 1e-6, 0.0], [3.0, 1.0, 0.5, 0.0]])
    near = (keep_probable(logits, 2, 1.0)[1] < 1e-4).tolist()
    assert near == [[False, True, True, False], [False] * 4]
    share = torch.tensor([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1]]).log()
    near = (keep_probable(share, 0, 0.6 + 1e-6)[1] < 1e-4).tolist()
    assert near == [[False, True, False], [False] * 3]


def test_of_equals_only_k_are_kept():
    kept, border = keep_probable(torch.tensor([[1.0, 1.0, 1.0, 0.0]]), 1, 1.0)
    assert kept.sum() == 1
    assert border[0, :3].tolist() == [0.0, 0.0, 0.0]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 3, 20]), st.sampled_from([0.5, 0.9, 1.0]))
def test_noise_below_the_margin_changes_no_draw(seed, top_k, top_p):
    generator = torch.Generator().manual_seed(seed)
    logits = (3 * torch.randn(8, 50, generator=generator)).log_softmax(1)
    config = DecodingConfig(sample=True, top_k=top_k, top_p=top_p)
    keys = [[seed, row] for row in range(8)]
    tokens, gaps = Sampler(config, keys)(logits, np.arange(8))
    noise = 2e-3 * (2 * torch.rand(8, 50, generator=generator) - 1)
    again, _ = Sampler(config, keys)(logits + noise, np.arange(8))
    sure = gaps > 8e-3
    assert torch.equal(tokens[sure], again[sure])


def test_few_draws_are_contested():
    """Of thousands of tokens some always lie near the border; hardly ever does that matter."""
    logits = 3 * torch.randn(400, 8000, generator=torch.Generator().manual_seed(1))
    sampler = Sampler(DecodingConfig(sample=True, top_p=0.9), [[row] for row in range(400)])
    _, gaps = sampler(logits, np.arange(400))
    assert (gaps < 1e-4).float().mean() < 0.02


def test_a_temperature_near_zero_is_greedy():
    logits = torch.tensor([[1.0, 3.0, 2.0], [90.0, -90.0, 89.0]])
    tokens, gaps = Sampler(DecodingConfig(sample=True, temperature=1e-4), [[0], [1]])(logits, np.arange(2))
    assert tokens.tolist() == [1, 0]
    assert gaps.isfinite().all()
    for wrong in ({"temperature": 0.0}, {"length_penalty": float("nan")}):
        with pytest.raises(ValueError, match=r"greater than or equal|finite"):
            DecodingConfig(**wrong)


def test_a_language_model_samples_from_the_best():
    config = DecodingConfig(sample=True, n_best=4, top_k=1)
    (drawn,) = generate(language_model(1), [[BOS, 5]], config, lengths=[6], eos=EOS)
    (best,) = generate(language_model(1), [[BOS, 5]], DecodingConfig(beam=1), lengths=[6], eos=EOS)
    assert all(h.tokens == best[0].tokens for h in drawn)

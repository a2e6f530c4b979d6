import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import BOS, EOS, language_model, next_log_probabilities, padded, sources, translator

from regard.decoding import DecodingConfig, decode_batches, generate, score, search

GREEDY = DecodingConfig(beam=1, length_penalty=1.0, max_ratio=1.0, max_extra=6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 20))
def test_takes_the_most_probable_token_each_time(seed, count):
    model = translator(seed)
    rows = sources(seed, count)
    for row, (found,) in zip(rows, search(model, *padded(rows), GREEDY, bos=BOS, eos=EOS), strict=True):
        prefix: tuple[int, ...] = ()
        total = 0.0
        while True:
            step = next_log_probabilities(model, row, prefix)
            token = EOS if len(prefix) == GREEDY.limit(len(row)) else step.index(max(step))
            total += step[token]
            if token == EOS:
                break
            prefix = (*prefix, token)
        assert tuple(found.tokens) == prefix
        assert found.log_probability == pytest.approx(total, abs=1e-4)
        assert found.score == pytest.approx(total / (len(prefix) + 1), abs=1e-4)


def test_finished_rows_leave_the_batch():
    model = translator(11, sharpness=6.0)
    search(model, *padded(sources(4, 40)), GREEDY, bos=BOS, eos=EOS)
    assert model.rows_seen[0] == 40
    assert model.rows_seen[-1] < 20


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), width=st.sampled_from([1, 4]))
def test_forced_scores_are_those_of_the_search(seed, width):
    model = translator(seed)
    rows = sources(seed, 5)
    config = DecodingConfig(beam=width, n_best=width, max_ratio=1.0, max_extra=4)
    found = search(model, *padded(rows), config, bos=BOS, eos=EOS)
    pairs = [(row, h) for row, hypotheses in zip(rows, found, strict=True) for h in hypotheses]
    source, mask = padded([row for row, _ in pairs])
    scores = score(model, source, mask, [h.tokens for _, h in pairs], bos=BOS, eos=EOS)
    for values, (_, hypothesis) in zip(scores, pairs, strict=True):
        assert len(values) == len(hypothesis.tokens) + 1
        assert sum(values) == pytest.approx(hypothesis.log_probability, abs=1e-4)


def test_scores_need_a_target_for_each_source():
    source, mask = padded([[4], [5]])
    with pytest.raises(ValueError, match="2 sources need as many targets"):
        score(translator(0), source, mask, [[4]], bos=BOS, eos=EOS)
    assert score(translator(0), source[:0], mask[:0], [], bos=BOS, eos=EOS) == []


@pytest.mark.parametrize("width", [1, 3])
def test_a_language_model_continues_prompts_of_any_length(width):
    model = language_model(1)
    config = DecodingConfig(beam=width)
    prompts = [[BOS], [BOS, 5, 6], [BOS, 7, 7], [BOS, 8]]
    together = generate(model, prompts, config, lengths=[5] * len(prompts), eos=EOS)
    for prompt, found in zip(prompts, together, strict=True):
        alone = generate(model, [prompt], config, lengths=[5], eos=EOS)[0]
        assert [h.tokens for h in found] == [h.tokens for h in alone]
        assert len(found[0].tokens) <= 5
    with pytest.raises(ValueError, match="at least one token"):
        generate(model, [[]], config, lengths=[5], eos=EOS)


def test_a_language_model_reads_the_whole_prompt():
    model = language_model(2)
    (found,) = generate(model, [[BOS, 5, 6]], DecodingConfig(beam=1), lengths=[1], eos=EOS)
    cache = model.start(1, 9)
    for token in (BOS, 5, 6):
        states = model.step(torch.tensor([token]), cache)
    assert ([*found[0].tokens, EOS])[0] == int(model.logits(states).argmax())


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 200), st.integers(1, 9))
def test_batches_hold_every_sentence_once_within_the_budget(lengths, tokens, sentences):
    batches = decode_batches(lengths, tokens, sentences)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= sentences
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= tokens


@pytest.mark.parametrize(
    "config", [DecodingConfig(beam=1), DecodingConfig(beam=2), DecodingConfig(sample=True)]
)
def test_the_first_tokens_are_where_the_model_is(config):
    """Without a GPU at hand: a model on another device refuses tokens that are not there too."""

    class ElsewhereError(Exception):
        pass

    class Model:
        max_length = None

        def encode(self, source, mask):
            return None

        def start(self, memory, max_length):
            return None

        def step(self, tokens, cache):
            raise ElsewhereError(tokens.device.type)

        def logits(self, states):
            raise AssertionError

    class There(torch.Tensor):
        """Sources that say that they are on another device."""

        device = torch.device("meta")

    source = torch.ones(1, 3, dtype=torch.long).as_subclass(There)
    with pytest.raises(ElsewhereError, match="meta"):
        search(Model(), source, torch.ones(1, 3, dtype=torch.bool), config, bos=2, eos=3)


def test_lengths_of_prompts_are_their_own():
    model = language_model(1)
    config = DecodingConfig(beam=1)
    prompts, lengths = [[BOS, 5], [BOS, 6], [BOS, 5]], [2, 7, 4]
    together = generate(model, prompts, config, lengths=lengths, eos=EOS)
    for prompt, length, found in zip(prompts, lengths, together, strict=True):
        assert found == generate(model, [prompt], config, lengths=[length], eos=EOS)[0]
    with pytest.raises(ValueError, match="a length that is at least 1"):
        generate(model, prompts, config, lengths=[2, 7], eos=EOS)


@pytest.mark.parametrize("width", [1, 2])
def test_what_ends_by_itself_at_its_limit_is_not_truncated(width):
    """What is as long as it would be without a limit was not cut; what may not be so long was."""
    model, rows = translator(20), sources(20, 6)
    free = DecodingConfig(beam=width, max_ratio=0.0, max_extra=12)
    alike = 0
    for row, (whole, *_) in zip(rows, search(model, *padded(rows), free, bos=BOS, eos=EOS), strict=True):
        assert not whole.truncated
        exact = free.changed(max_extra=len(whole.tokens))
        ((found, *_),) = search(model, *padded([row]), exact, bos=BOS, eos=EOS)
        if found.tokens == whole.tokens:
            assert not found.truncated
            alike += 1
        if len(whole.tokens) > 1 and width == 1:
            shorter = free.changed(max_extra=len(whole.tokens) - 1)
            ((cut, *_),) = search(model, *padded([row]), shorter, bos=BOS, eos=EOS)
            assert cut.truncated
    assert alike >= 4

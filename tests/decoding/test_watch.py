"""Decoding that is watched: what is told on the way, and that it changes nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import BOS, EOS, language_model, padded, sources, translator

from regard.decoding import DecodingConfig, generate, search


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 12), beam=st.sampled_from([1, 3]))
def test_watching_changes_nothing_and_tells_a_token_more_each_time(seed, count, beam):
    model = translator(seed)
    rows = sources(seed, count)
    config = DecodingConfig(beam=beam, max_ratio=1.0, max_extra=6)
    told: dict[int, list[list[int]]] = {number: [] for number in range(count)}

    def watch(number, now):
        told[number].append(list(now))

    watched = search(model, *padded(rows), config, bos=BOS, eos=EOS, watch=watch)
    assert watched == search(model, *padded(rows), config, bos=BOS, eos=EOS)
    for number, (best, *_) in enumerate(watched):
        # A near-tie is decoded again, alone, and then told of again from its beginning.
        once = told[number][-max(map(len, told[number]), default=0) :]
        assert [len(now) for now in once] == list(range(1, len(once) + 1))
        assert all(EOS not in now for now in once)
        if beam == 1:
            assert once == [best.tokens[:length] for length in range(1, len(best.tokens) + 1)]


@pytest.mark.parametrize("beam", [1, 4])
def test_sentences_are_told_apart(beam):
    model, rows = translator(3), sources(5, 30)
    config = DecodingConfig(beam=beam, max_ratio=1.0, max_extra=6)

    def last(some):
        told = {}
        search(model, *padded(some), config, bos=BOS, eos=EOS, watch=told.__setitem__)
        return told

    together = last(rows)
    for number, row in enumerate(rows):
        assert together.get(number) == last([row]).get(0)


class Enough(Exception):  # noqa: N818 - it is no error
    pass


@pytest.mark.parametrize("dials", [{"beam": 1}, {"beam": 3}, {"sample": True, "n_best": 2}], ids=str)
def test_decoding_is_ended_between_two_steps(dials):
    config = DecodingConfig(max_ratio=0, max_extra=20, **dials)
    steps = 0

    def third() -> None:
        nonlocal steps
        steps += 1
        if steps == 3:
            raise Enough

    model = translator(2)
    with pytest.raises(Enough):
        search(model, *padded(sources(3, 4)), config, bos=BOS, eos=EOS, before_step=third)
    assert len(model.rows_seen) == 2
    steps, model = 0, language_model(2)
    with pytest.raises(Enough):
        generate(model, [[BOS]] * 4, config, lengths=[20] * 4, eos=EOS, before_step=third)
    assert len(model.rows_seen) == 2

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import BOS, EOS, best_of_all, padded, plain_beam, sources, translator

from regard.decoding import DecodingConfig, search
from regard.decoding.beam import close_up, keep_places
from regard.errors import UserError


def beam(model, rows, config):
    return search(model, *padded(rows), config, bos=BOS, eos=EOS)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    width=st.integers(2, 6),
    n_best=st.integers(1, 3),
    penalty=st.sampled_from([-0.5, 0.0, 0.6, 1.0, 2.0]),
    sharpness=st.sampled_from([0.3, 2.0, 6.0]),
)
def test_finds_what_a_plain_search_without_early_end_finds(seed, width, n_best, penalty, sharpness):
    model = translator(seed, sharpness=sharpness)
    config = DecodingConfig(
        beam=width, n_best=min(n_best, width), length_penalty=penalty, max_ratio=0.5, max_extra=5
    )
    rows = sources(seed, 4)
    for row, found in zip(rows, beam(model, rows, config), strict=True):
        expected = plain_beam(model, row, config)
        assert [tuple(h.tokens) for h in found] == [tokens for _, tokens in expected]
        torch.testing.assert_close([h.score for h in found], [score for score, _ in expected])


@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_the_best_of_all_outputs(seed):
    model = translator(seed, vocabulary=5)
    config = DecodingConfig(beam=4**3 * 5, length_penalty=0.7, max_ratio=0, max_extra=3)
    ((found,),) = beam(model, [[4, 1]], config)
    score, tokens = best_of_all(model, [4, 1], 3, 0.7)
    assert tuple(found.tokens) == tokens
    assert found.score == pytest.approx(score)


def test_early_end_saves_steps():
    model = translator(3, sharpness=6.0)
    with torch.no_grad():
        model.output.bias[EOS] += 0.6
    config = DecodingConfig(beam=3, length_penalty=0.0, max_ratio=0, max_extra=200, batch_invariant=False)
    beam(model, sources(1, 8), config)
    assert len(model.rows_seen) < 150
    assert model.rows_seen[-1] < model.rows_seen[1]


def test_an_output_that_does_not_end_is_ended_and_says_so():
    model = translator(0)
    with torch.no_grad():
        model.output.bias[EOS] -= 50
    for width in (1, 3):
        config = DecodingConfig(beam=width, max_ratio=1.0, max_extra=1)
        for row, (found,) in zip(sources(5, 4), beam(model, sources(5, 4), config), strict=True):
            assert found.truncated
            assert len(found.tokens) == len(row) + 1
            assert EOS not in found.tokens
            assert found.log_probability < -50


def test_limit_of_the_model_holds():
    model = translator(0)
    model.max_length = 6
    with torch.no_grad():
        model.output.bias[EOS] -= 50
    ((found,),) = beam(model, [[4, 5, 6]], DecodingConfig())
    assert len(found.tokens) == 5


def test_no_sentences_give_no_results():
    empty = torch.zeros(0, 3, dtype=torch.long)
    assert search(translator(0), empty, empty.bool(), DecodingConfig(), bos=BOS, eos=EOS) == []


def test_an_empty_source_is_refused():
    mask = torch.tensor([[True], [False]])
    with pytest.raises(ValueError, match="source 1 has no tokens"):
        search(translator(0), mask.long(), mask, DecodingConfig(), bos=BOS, eos=EOS)


def test_dropout_is_off_while_searching_and_back_after():
    model = translator(0).train()
    rows = sources(2, 3)
    first = beam(model, rows, DecodingConfig())
    assert model.training
    assert first == beam(model.eval(), rows, DecodingConfig())


@given(st.lists(st.booleans(), max_size=9))
def test_what_stays_closes_up_with_few_moves(stay):
    closed = close_up(np.array(stay, bool)).tolist()
    assert sorted(closed) == [i for i, kept in enumerate(stay) if kept]
    assert all(closed[i] == i for i in closed if i < len(closed))


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=5))
def test_one_child_of_each_parent_keeps_its_place(parents):
    order = keep_places(np.array(parents))
    for row, chosen in zip(parents, order, strict=True):
        assert sorted(chosen) == [0, 1, 2, 3]
        placed = [row[c] for c in chosen]
        assert all(placed[parent] == parent for parent in row)


def test_predictions_that_are_not_numbers_are_refused():
    model = translator(0)
    with torch.no_grad():
        model.output.bias.fill_(float("nan"))
    for width in (1, 3):
        with pytest.raises(UserError, match="predicts NaN"):
            beam(model, [[4, 5]], DecodingConfig(beam=width))

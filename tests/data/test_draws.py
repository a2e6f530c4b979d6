"""Rows that are cut anew come in batches of like lengths, each row once an epoch."""

import itertools
from collections import Counter
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.text import Tokenizer, TokenizerConfig, build_corpus, pair_batch
from regard.data.text.corpus import EncodedCorpus, Flat
from regard.data.text.draws import Draws, EncodedDraws, RecutDraws, divided

TOKENS = 256


def sentence(chance: Random) -> str:
    words = ("".join(chance.choice("aeiounrst") for _ in range(chance.randint(2, 9))) for _ in range(40))
    return " ".join([next(words) for _ in range(chance.randint(1, 12))])


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str]]:
    chance = Random(0)
    words = [sentence(chance) for _ in range(60)]
    return [(chance.choice(words), f"{chance.choice(words)} {number}") for number in range(900)]


@pytest.fixture(scope="module")
def tokenizer(texts: list[tuple[str, str]]) -> Tokenizer:
    return Tokenizer.train((text for pair in texts for text in pair), TokenizerConfig(vocabulary=600))


@pytest.fixture(scope="module")
def corpus(
    texts: list[tuple[str, str]], tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> EncodedCorpus:
    return build_corpus(texts, (tokenizer, tokenizer), tmp_path_factory.mktemp("draws") / "corpus")


@pytest.fixture
def draws(corpus: EncodedCorpus, tokenizer: Tokenizer) -> RecutDraws:
    return RecutDraws(corpus, (tokenizer.merges, tokenizer.merges), 0.1, 99, TOKENS, seed=3)


def rows(side: Flat) -> list[list[int]]:
    ids, lengths = side
    return [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]


def pairs(draws: Draws, epoch: int, step: int, rank: int = 0, world: int = 1) -> list[tuple[list[int], ...]]:
    drawn = draws.draw(epoch, step, rank, world)
    return [] if drawn is None else list(zip(*map(rows, drawn), strict=True))


def padding(draws: Draws) -> float:
    batches = [pair_batch(*draw) for step in range(draws.steps_per_epoch) if (draw := draws.draw(0, step))]
    return 1 - sum(batch.filled for batch in batches) / sum(batch.positions for batch in batches)


def test_every_row_is_drawn_once_and_says_what_it_said(
    draws: RecutDraws, tokenizer: Tokenizer, texts: list[tuple[str, str]]
) -> None:
    for epoch in (0, 1):
        drawn = [pair for step in range(draws.steps_per_epoch) for pair in pairs(draws, epoch, step)]
        said = Counter((tokenizer.decode(source), tokenizer.decode(target)) for source, target in drawn)
        assert said == Counter(texts)


def test_each_epoch_cuts_anew(draws: RecutDraws) -> None:
    steps = range(draws.steps_per_epoch)
    first, second = (
        Counter(tuple(source) for step in steps for source, _ in pairs(draws, epoch, step))
        for epoch in (0, 1)
    )
    assert len(first & second) < 0.8 * len(first)


def test_a_batch_depends_on_nothing_drawn_before(
    corpus: EncodedCorpus, tokenizer: Tokenizer, draws: RecutDraws
) -> None:
    last = draws.steps_per_epoch - 1
    places = [(1, last), (0, 5), (0, last), (1, 0), (0, 0)]
    found = [pairs(draws, *place) for place in places]
    for place, batch in zip(places, found, strict=True):
        fresh = RecutDraws(corpus, (tokenizer.merges, tokenizer.merges), 0.1, 99, TOKENS, seed=3)
        assert pairs(fresh, *place) == batch


@pytest.mark.parametrize("world", [2, 3, 50])
def test_ranks_share_the_same_batch(draws: RecutDraws, world: int) -> None:
    whole = pairs(draws, 1, 4)
    for rank in range(world):
        assert pairs(draws, 1, 4, rank, world) == whole[rank::world]


def test_batches_are_of_like_lengths_and_keep_to_the_budget(
    corpus: EncodedCorpus, tokenizer: Tokenizer, draws: RecutDraws
) -> None:
    plain = EncodedDraws(corpus, TOKENS, seed=3)
    assert padding(draws) < padding(plain) + 0.1
    cells = [
        len(batch) * max(max(map(len, pair)) + 1 for pair in batch)
        for step in range(draws.steps_per_epoch)
        if (batch := pairs(draws, 0, step))
    ]
    assert 0.8 * TOKENS < np.mean(cells) < 1.2 * TOKENS
    assert max(cells) < 1.5 * TOKENS


def test_sides_that_are_not_cut_stay(corpus: EncodedCorpus, tokenizer: Tokenizer) -> None:
    draws = RecutDraws(corpus, [tokenizer.merges], 0.5, 99, TOKENS, seed=3, specials=2)
    kept = Counter(tuple(row) for row in rows(corpus.gather(np.arange(len(corpus)))[1]))
    drawn = Counter(
        tuple(target) for step in range(draws.steps_per_epoch) for _, target in pairs(draws, 0, step)
    )
    assert drawn == kept


@pytest.mark.parametrize("place", [(-1, 0, 1), (10_000, 0, 1), (0, 2, 2)])
def test_a_place_that_is_not_there(draws: RecutDraws, place: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"step|rank"):
        draws.draw(0, *place)


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=12), data=st.data())
def test_the_largest_part_is_as_small_as_can_be(lengths: list[int], data: st.DataObject) -> None:
    lengths = sorted(lengths)
    parts = data.draw(st.integers(1, len(lengths)))

    def largest(ends: Sequence[int]) -> int:
        return max((end - start) * lengths[end - 1] for start, end in itertools.pairwise(ends))

    ends = divided(np.array(lengths), parts).tolist()
    assert (ends[0], ends[-1], len(ends)) == (0, len(lengths), parts + 1)
    assert min(np.diff(ends)) >= 1
    inner = itertools.combinations(range(1, len(lengths)), parts - 1)
    assert largest(ends) == min(largest([0, *cuts, len(lengths)]) for cuts in inner)

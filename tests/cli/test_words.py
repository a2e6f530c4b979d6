"""Words of a vocabulary."""

import pytest

from regard.cli.words import whole_words
from regard.data.text import Tokenizer, TokenizerConfig
from regard.errors import UserError
from regard.tasks.text.neighbours import check_word, ids_of


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["the happy cat", "a happy mat"] * 9, TokenizerConfig(vocabulary=284))


def test_a_word_is_spelt_as_inside_a_text(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(ids_of(tokenizer, "happy")).strip() == "happy"


@pytest.mark.parametrize("word", ["안녕", "☃", "happy☃"])
def test_a_word_spelt_in_bytes_is_not_of_the_vocabulary(tokenizer: Tokenizer, word: str) -> None:
    with pytest.raises(UserError, match="not in this model's vocabulary"):
        ids_of(tokenizer, word)


@pytest.mark.parametrize("word", ["", " ", "the cat", "the\ncat"])
def test_a_word_is_one(word: str) -> None:
    with pytest.raises(UserError, match="one word"):
        check_word(word)


def test_what_begins_a_longer_token_is_no_whole_word_where_there_are_pieces() -> None:
    tokens = ["[PAD]", "▁", "ing", "▁cont", "▁know", "▁Vous", "▁contre", "▁know's", "▁are"]
    assert whole_words(tokens, 9, pieces=True) == [4, 5, 6, 8]
    assert whole_words(tokens, 9, pieces=False) == [3, 4, 5, 6, 8]
    assert whole_words(tokens, 2, pieces=True) == [4, 5]


def test_long_words_come_first_and_korean_letters_count_twice() -> None:
    assert whole_words(["▁the", "▁cat", "▁mats", "▁나무", "▁나"], 3, pieces=False) == [2, 3, 0]


def test_where_no_token_begins_after_a_space_letters_will_do() -> None:
    assert whole_words(["▁", "a", "7", "猫"], 9, pieces=False) == [1, 3]

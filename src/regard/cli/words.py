"""Words of a vocabulary: how one is spelt in tokens, and which tokens are words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from regard.errors import UserError

if TYPE_CHECKING:
    from regard.data.text import Tokenizer

_LONG = 4  # cells: four letters, two Korean syllables


def check_word(word: str) -> None:
    """Makes sure that a word is one.

    Raises:
        UserError: it is empty, or several.
    """
    if len(word.split()) != 1:
        raise UserError(f"{word!r}: give one word, without spaces")


def ids_of(tokenizer: Tokenizer, word: str) -> list[int]:
    """The tokens of a word as it stands inside a text.

    Raises:
        UserError: it is unknown, or spelt in bytes, whose vectors stand for no word.
    """
    # With a word before it, so that it is spelt as after a space.
    ids = tokenizer.encode(f"a {word}")[len(tokenizer.encode("a")) :]
    if not ids or tokenizer.unk in ids or any(map(is_byte, tokenizer.tokens(ids))):
        raise UserError(f"{word!r} is not in this model's vocabulary")
    return ids


def is_byte(token: str) -> bool:
    """Whether a token is a byte of a letter that the tokenizer never saw.

    Example:
        >>> is_byte("<0xE2>"), is_byte("<s>")
        (True, False)
    """
    return len(token) == 6 and token.startswith("<0x")


def whole_words(tokens: Sequence[str], count: int, *, pieces: bool) -> list[int]:
    """The first tokens of a vocabulary that look like words, those of four letters or more before others.

    A vocabulary begins with what its training text had most of, or what its merges made first.

    Args:
        tokens: of a vocabulary, a space before a word shown as ▁.
        count: the most words to give.
        pieces: the vocabulary has parts of words too. Then what begins a longer token may be only such a
            part (*happ* of *happy*) and is left out.

    Returns:
        The numbers of the tokens. Where no token begins after a space (single letters, Chinese), any of
        letters will do.

    Example:
        >>> whole_words(["ing", "▁the", "▁happ", "▁Paris", "▁happy", "▁they"], 9, pieces=True)
        [3, 4, 5]
    """
    from rich.cells import cell_len

    spelt = {row: token.removeprefix("▁") for row, token in enumerate(tokens)}
    words = {row: word for row, word in spelt.items() if word.isalpha()}
    words = {row: word for row, word in words.items() if tokens[row].startswith("▁")} or words
    if pieces:
        # Sorted, a word is followed at once by what it begins, if there is such a thing.
        begin = {one for one, following in pairwise(sorted(words.values())) if following.startswith(one)}
        words = {row: word for row, word in words.items() if word not in begin}
    # Sorting keeps the order among equals.
    return sorted(words, key=lambda row: cell_len(words[row]) < _LONG)[:count]

"""Neighbours of a word: the tokens whose embeddings are nearest to its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regard.data.text.tokenizer import Tokenizer
from regard.errors import UserError
from regard.lens.embeddings import neighbours
from regard.tasks.text.predictor import TextPredictor


@dataclass(frozen=True)
class NearTokens:
    """What lies near a word.

    Attributes:
        spelt: the word's own tokens; of several, the neighbours of their mean are given.
        tokens: nearest first, each with the cosine of the angle between.
    """

    spelt: tuple[str, ...]
    tokens: tuple[tuple[str, float], ...]


def near_tokens(
    predictor: TextPredictor[Any], word: str, side: str = "source", count: int = 10
) -> NearTokens:
    """The tokens whose embeddings are nearest to a word's.

    Special tokens and bytes are no words, and are left out: many were never trained and lie anywhere.

    Args:
        predictor: of texts.
        word: of its vocabulary, without spaces.
        side: which vocabulary, "source" or "target".
        count: how many.

    Raises:
        UserError: no word, or one that the vocabulary cannot spell; no such side.
    """
    check_word(word)
    tokenizer, vectors = predictor.embedding(side)
    ids = ids_of(tokenizer, word)
    words = tokenizer.tokens(range(tokenizer.size))
    kept = [
        row
        for row, token in enumerate(words)
        if row > tokenizer.sep and not is_byte(token) and (row not in ids or len(ids) == 1)
    ]
    to = kept.index(ids[0]) if len(ids) == 1 else vectors[ids].mean(0)
    found = neighbours(vectors[kept], to, count)
    return NearTokens(
        tuple(tokenizer.tokens(ids)), tuple((words[kept[one.index]], one.cosine) for one in found)
    )


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

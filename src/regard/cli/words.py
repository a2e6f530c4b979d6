"""Words of a vocabulary: which tokens look like whole ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_LONG = 4  # cells: four letters, two Korean syllables


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

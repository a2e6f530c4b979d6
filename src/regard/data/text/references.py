"""One source sentence with all its translations, for a fair test."""

from collections.abc import Iterable
from typing import NamedTuple

from regard.data.text.pairs import Pair
from regard.data.text.sentences import is_blank


class Grouped(NamedTuple):
    """A source text and every target text that the set gives for it."""

    source: str
    references: tuple[str, ...]


def grouped(pairs: Iterable[Pair]) -> list[Grouped]:
    """Pairs of equal source text joined, in the order of first sight; equal references are kept once.

    Pairs with a blank side are passed over, as training does.

    Example:
        >>> grouped([Pair("Go.", "Va !"), Pair("Hi.", "Salut !"), Pair("Go.", "Allez !")])[0].references
        ('Va !', 'Allez !')
    """
    found: dict[str, dict[str, None]] = {}
    for pair in pairs:
        if is_blank(pair.source) or is_blank(pair.target):
            continue
        found.setdefault(pair.source, {})[pair.target] = None
    return [Grouped(source, tuple(references)) for source, references in found.items()]

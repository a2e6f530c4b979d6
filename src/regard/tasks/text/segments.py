"""Cutting a sentence that is too long for a model where it hurts least; nothing is lost."""

import re
from collections.abc import Callable, Iterator

# Where a sentence may be cut, best first: after a clause, after a word, anywhere.
_BREAKS = (re.compile(r"(?<=[;:,—–،、，；])\s+|(?<=[、，；])"), re.compile(r"\s+"))


def shorten(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """Pieces of a text that all fit, cut near the middle: between clauses, else words, else letters.

    Args:
        text: without space at its ends.
        fits: whether a piece is short enough; a single letter always has to be.

    Example:
        >>> list(shorten("He came, he saw, he won.", lambda piece: len(piece) < 12))
        ['He came,', 'he saw,', 'he won.']
    """
    if fits(text) or len(text) < 2:
        yield text
        return
    left, right = _halves(text)
    yield from shorten(left, fits)
    yield from shorten(right, fits)


def _halves(text: str) -> tuple[str, str]:
    middle = len(text) / 2
    for pattern in _BREAKS:
        cuts = [
            match.span() for match in pattern.finditer(text) if match.start() > 0 and match.end() < len(text)
        ]
        if cuts:
            start, end = min(cuts, key=lambda cut: abs((cut[0] + cut[1]) / 2 - middle))
            return text[:start], text[end:]
    return text[: len(text) // 2], text[len(text) // 2 :]

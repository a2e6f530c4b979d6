"""Cutting a text into sentences, and a sentence that is too long where it hurts least; nothing is lost."""

import re
from collections.abc import Callable, Iterator

# The end of a sentence: its mark, closing quotes and brackets, and space or, in East Asian text, none.
_END = re.compile(r"(?:[.!?…]+[\"'»”’)\]]*(?P<space>\s+)|[。！？]+[」』”）]*\s*|\s*\n\s*)")

# A full stop after these ends no sentence.
_ABBREVIATIONS = frozenset(
    ["mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "vs", "etc", "e.g", "i.e", "cf", "no", "fig", "vol", "pp", "ca", "approx", "dept", "inc", "ltd", "co", "corp", "gen", "col", "lt", "sgt", "capt", "rev", "hon", "mt", "ft", "m", "mm", "mme", "mlle", "mgr", "z.b", "d.h", "u.a", "bzw", "nr", "str"]
)

# Where a sentence may be cut, best first: after a clause, after a word, anywhere.
_BREAKS = (re.compile(r"(?<=[;:,—–،、，；])\s+|(?<=[、，；])"), re.compile(r"\s+"))


def sentences_of(text: str) -> list[tuple[str, str]]:
    """The sentences of a text, and the space after each, which is to come back after its translation.

    A new line always ends a sentence. A full stop does not after an abbreviation or an initial, nor before
    a small letter.

    Example:
        >>> sentences_of("Mr. Poe came. He sat!\\nWhy?")
        [('Mr. Poe came.', ' '), ('He sat!', '\\n'), ('Why?', '')]
    """
    found: list[tuple[str, str]] = []
    start = 0
    for match in _END.finditer(text):
        if match["space"] and "\n" not in match["space"] and not _ends(text, start, match):
            continue
        kept = match[0].rstrip()
        end = match.start() + len(kept)
        _add(found, text[start:end], match[0][len(kept) :])
        start = match.end()
    _add(found, text[start:], "")
    return found


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    following = text[match.end() : match.end() + 1]
    if following.islower():
        return False
    if not match[0].startswith(".") or match[0].startswith(".."):
        return True
    word = text[start : match.start()].rsplit(None, 1)[-1:]
    last = word[0].lstrip("(\"'«“") if word else ""
    return (
        bool(following)
        and last.lower() not in _ABBREVIATIONS
        and not (len(last) == 1 and last.isupper() and last != "I")
    )


def _add(found: list[tuple[str, str]], sentence: str, gap: str) -> None:
    sentence = sentence.strip()
    if sentence:
        found.append((sentence, gap))
    elif found:  # an empty line keeps its place
        found[-1] = (found[-1][0], found[-1][1] + gap)


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

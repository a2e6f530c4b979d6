r"""Cutting a text into sentences, in any script, and joining it again with its paragraphs and spacing.

A mark that ends a sentence in a script written without spaces (。 ！ ？) or that has no other use (। ؟ ։)
ends it wherever it stands. A full stop, ! or ? ends one only before a space, and not before a small letter; a
full stop also not after an abbreviation, an initial or the number of a list. A new line always ends a
sentence.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

# A mark, what closes after it, and the space up to the next sentence. Look-behinds keep a long run of marks
# or spaces from being tried at each of its characters.
_SURE = "。｡！？︒।॥؟۔։።፧፨។៕။།༎᙮⳹⳾꓿꘎꡶꡷"
_MARKS = ".!?…．‼⁇⁈⁉"
_CLOSING = "\"'”’»«›‹)\\]}〉》」』】〕〗）］｝＂＇"
_END = re.compile(
    rf"(?P<sure>[{_SURE}]+[{_SURE}.!?…]*[{_CLOSING}]*)(?P<after>\s*)"
    rf"|(?P<mark>(?<![{_MARKS}])[{_MARKS}]+[{_CLOSING}]*(?:[ \u00a0\u202f][»›]+)?)(?P<space>\s+)"
    r"|(?P<line>(?<!\s)\s*[\n\r\u2028\u2029\x85]\s*)"
)
_NEAR = 40  # letters around a mark that are looked at
_OPENING = "\"'“‘«‹(\\[{¿¡„‚–—- \u00a0\u202f"

# A name follows these, so they end no sentence.
_TITLES = """mr mrs ms dr prof ste rev hon gen capt cpt lt sgt cmdr gov sen rep mt ft cf viz vs mme mmes mlle
mlles
mgr hr fr frl sr sra srta ud uds dott avv bzw bspw evtl ggf inkl vgl sog"""
_BEFORE_NAMES = frozenset(_TITLES.split())

# A number follows these, or else they are words like others.
_COUNTED = "no nos nr p pp fig figs eq vol chap art approx ca abb bd tel col"
_BEFORE_NUMBERS = frozenset(_COUNTED.split())

# These may end a sentence: they do if they are small, or if a word follows that often begins one.
_EITHER = "etc inc ltd co corp jr bros dept st usw u.s u.k u.n e.u u.s.a a.m p.m ph.d b.c a.d"
_AMBIGUOUS = frozenset(_EITHER.split())
_OFTEN_FIRST = """the a an he she it we they i you this that these those there in on at but and so if when
then as for
his her my our their your its what who how why where"""
_BEGINNERS = frozenset(_OFTEN_FIRST.split())

_CALENDAR = "januar februar märz april mai juni juli august september oktober november dezember"
_MONTHS = frozenset(_CALENDAR.split())


class Sentence(NamedTuple):
    """A sentence, without space at its ends, and the space after it.

    Example:
        >>> Sentence("Come in!", " ").text
        'Come in!'
    """

    text: str
    gap: str


def split_sentences(text: str) -> list[Sentence]:
    r"""The sentences of a text; their texts and gaps, joined, are the text.

    A text that begins with space has an empty first sentence, which holds that space as its gap.

    Example:
        >>> [sentence.text for sentence in split_sentences("Mr. Poe came at 3 p.m. He sat!\n猫。犬。")]
        ['Mr. Poe came at 3 p.m.', 'He sat!', '猫。', '犬。']
        >>> split_sentences("  One.\n\nTwo")
        [Sentence(text='', gap='  '), Sentence(text='One.', gap='\n\n'), Sentence(text='Two', gap='')]
    """
    body = text.lstrip()
    found = [Sentence("", text[: len(text) - len(body)])] if len(body) < len(text) else []
    start = 0
    for match in _END.finditer(body):
        gap = match["after"] or match["space"] or match["line"] or ""
        if match["mark"] and not _is_line(gap) and not _ends(body, start, match):
            continue
        end = match.end() - len(gap)
        if end > start:
            found.append(Sentence(body[start:end], gap))
            start = match.end()
    if start < len(body):
        last = body[start:].rstrip()
        found.append(Sentence(last, body[start + len(last) :]))
    return found


def join_sentences(sentences: Iterable[Sentence]) -> str:
    """A text of sentences, such as translations, each with the gap that its original had.

    Where the original had no gap (as in Chinese) and the sentences need one, they get a space; sentences of a
    script without spaces lose a lone space.

    Example:
        >>> join_sentences([Sentence("A cat.", ""), Sentence("A dog.", "")])
        'A cat. A dog.'
        >>> join_sentences([Sentence("猫。", " "), Sentence("犬。", "")])
        '猫。犬。'
    """
    parts = list(sentences)
    joined: list[str] = []
    for sentence, following in zip(parts, [*parts[1:], Sentence("", "")], strict=True):
        gap = sentence.gap
        if sentence.text and following.text and gap in ("", " "):
            gap = "" if _is_spaceless(sentence.text[-1]) and _is_spaceless(following.text[0]) else " "
        joined += [sentence.text, gap]
    return "".join(joined)


def is_blank(text: str) -> bool:
    r"""Whether a text shows nothing: it is empty, or all space, marks of no width and control characters.

    Example:
        >>> is_blank(" \u200b\ufeff"), is_blank("a\u200d")
        (True, False)
    """
    return all(letter.isspace() or unicodedata.category(letter) in ("Cf", "Cc") for letter in text)


def _is_line(gap: str) -> bool:
    return len(gap.splitlines()) > 1 or gap[-1:] in "\n\r\u2028\u2029\x85"


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a mark before a space ends the sentence that begins at `start`."""
    following = text[match.end() : match.end() + _NEAR].lstrip(_OPENING)
    if following[:1].islower():
        return False
    if not match["mark"].startswith(".") or match["mark"].startswith(".."):
        return True
    if match["mark"] != ".":  # a quote or bracket was closed after the full stop
        return True
    near = max(start, match.start() - _NEAR)
    before = text[near : match.start()].split()
    last = before[-1].lstrip(_OPENING) if before else ""
    return _is_last_word(last, following, alone=near == start and len(before) < 2)


def _is_last_word(last: str, following: str, *, alone: bool) -> bool:
    """Whether a full stop after the word `last` ends a sentence; `alone` if the sentence has no other
    word."""
    next_word = re.split(r"\W", following, maxsplit=1)[0].lower()
    small = last.lower()
    if last.isdigit():  # of a list, of a German date
        return not alone and next_word not in _MONTHS
    if small in _BEFORE_NUMBERS and next_word[:1].isdigit():
        return False
    if small in _AMBIGUOUS:
        return last.islower() or next_word in _BEGINNERS
    if small in _BEFORE_NAMES or re.fullmatch(r"(?:\w\.)+\w", last):
        return False
    initial = len(last) == 1 and last.isupper() and last != "I"
    return not initial


def _is_spaceless(letter: str) -> bool:
    """Chinese and Japanese letters and marks; Korean has spaces."""
    return unicodedata.east_asian_width(letter) in "WF" and not "\uac00" <= letter <= "\ud7a3"

"""Fonts that can draw every word of a picture, whatever its script."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable
from functools import cache

from matplotlib import font_manager, ft2font

from regard.counted import counted
from regard.errors import RegardWarning

_DEFAULT = "DejaVu Sans"
_BOXES = "Last Resort"
# Families that draw Chinese, Japanese and Korean, by system; others are looked for when these are missing.
_KNOWN = (
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans KR",
    "Source Han Sans KR",
    "NanumGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "Arial Unicode MS",
    "Droid Sans Fallback",
    "WenQuanYi Zen Hei",
)


class MissingGlyphs(RegardWarning):
    """Some characters of a picture will be drawn as empty boxes; the message says what to install."""


def families_for(texts: Iterable[str]) -> list[str]:
    """Font families that together draw all of ``texts``, for matplotlib to fall back through.

    Warns with :class:`MissingGlyphs`, naming what to install, where no installed font will do.

    Example:
        >>> families_for(["le chat", "naïve"])
        ['DejaVu Sans']
    """
    needed = {character for text in texts for character in text if character.isprintable()} - {" "}
    families = [_DEFAULT]
    missing = needed - _covered(_path_of(_DEFAULT))
    for entries in (_installed, _installed_since):
        if missing:
            missing = _choose(entries(), missing, families)
    if missing:
        warnings.warn(_advice(missing), MissingGlyphs, stacklevel=3)
    return families


def can_draw(text: str) -> bool:
    """Whether the installed fonts can draw every character of ``text``.

    Example:
        >>> can_draw("chat")
        True
    """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", MissingGlyphs)
        families_for([text])
    return not told


def _choose(fonts: dict[str, str], missing: set[str], families: list[str]) -> set[str]:
    """Adds families that draw some of ``missing`` to ``families``; returns what is still missing."""
    known = [family for family in _KNOWN if family in fonts]
    for family in [*known, *sorted(set(fonts) - set(known))]:
        drawn = missing & _covered(fonts[family])
        if drawn:
            families.append(family)
            missing = missing - drawn
        if not missing:
            break
    return missing


def _path_of(family: str) -> str:
    return font_manager.findfont(family)


def _installed() -> dict[str, str]:
    """Upright regular fonts that matplotlib knows: family to file.

    Not the last resort that matplotlib brings: it has a sign for every character, and each of them is a box.
    """
    return {
        entry.name: entry.fname
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal"
        and entry.weight in (400, "normal", "regular", "book")
        and not entry.name.startswith(_BOXES)
    }


def _installed_since() -> dict[str, str]:
    """Fonts that were installed after matplotlib wrote its list of fonts."""
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in known:
            try:
                font_manager.fontManager.addfont(path)
            except (RuntimeError, OSError):
                continue  # a broken font file, or one of a kind that matplotlib cannot draw
    return {family: path for family, path in _installed().items() if path not in known}


@cache
def _covered(path: str) -> frozenset[str]:
    """The characters that the font in a file can draw."""
    try:
        return frozenset(map(chr, ft2font.FT2Font(path).get_charmap()))
    except (RuntimeError, OSError):
        return frozenset()


def _advice(missing: set[str]) -> str:
    scripts = {unicodedata.name(character, "?").split()[0] for character in missing}
    sample = "".join(sorted(missing)[:8])
    cjk = scripts & {"HANGUL", "CJK", "HIRAGANA", "KATAKANA", "FULLWIDTH", "IDEOGRAPHIC"}
    font = "Noto Sans CJK (Debian and Ubuntu: apt install fonts-noto-cjk)" if cjk else "the Noto fonts"
    return (
        f"no installed font draws {counted(len(missing), 'character')} of this picture ({sample}), which "
        f"will show as boxes. Install {font} and run again."
    )

"""Places that are layers of one stack, by their names."""

from __future__ import annotations

import re

_LAYER = re.compile(r"(?<![^.])\d+(?![^.])")


def layer_of(name: str) -> int | None:
    """The first number in a place's name.

    Example:
        >>> layer_of("encoder.5.self"), group_of("encoder.5.self")
        (5, 'encoder.*.self')
    """
    found = _LAYER.search(name)
    return int(found[0]) if found else None


def group_of(name: str) -> str:
    """A place's name with its layer left open."""
    return _LAYER.sub("*", name, count=1)

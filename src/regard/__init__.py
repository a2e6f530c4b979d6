"""Regard: train, run and look inside attention models.

>>> import regard
>>> sorted(name for name in regard.__all__ if name.islower())
['attend', 'edit', 'explain', 'load', 'look', 'train']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from regard.errors import UserError

if TYPE_CHECKING:
    from regard.attention import attend
    from regard.lens import AttentionMap, edit, look
    from regard.tasks import Translation, Translator, explain, load, train

__version__ = "0.1.0"

# Loaded when asked for: importing the package costs nothing, torch comes with the first use.
_HOMES = {
    "AttentionMap": "regard.lens",
    "Translation": "regard.tasks",
    "Translator": "regard.tasks",
    "attend": "regard.attention",
    "edit": "regard.lens",
    "explain": "regard.tasks",
    "load": "regard.tasks",
    "look": "regard.lens",
    "train": "regard.tasks",
}

__all__ = [
    "AttentionMap",
    "Translation",
    "Translator",
    "UserError",
    "attend",
    "edit",
    "explain",
    "load",
    "look",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

"""What is done to the command line before it is parsed."""

from collections.abc import Sequence
from pathlib import PurePath

LOOK_FILES = (".png", ".svg", ".pdf", ".html", ".json")
# Kinds of file that maps are not saved as; whoever names one means a file all the same, and is told.
_OTHER_FILES = (".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".csv", ".tsv", ".txt")
IN_TERMINAL = "terminal"


def with_bare_look(arguments: Sequence[str]) -> list[str]:
    """Lets ``--look`` stand alone: only what looks like the name of a file after it is its value.

    Example:
        >>> with_bare_look(["translate", "--look", "The cat."])
        ['translate', '--look=terminal', 'The cat.']
        >>> with_bare_look(["translate", "The cat.", "--look", "cat.png"])
        ['translate', 'The cat.', '--look=cat.png']
    """
    waiting = list(arguments)
    ready: list[str] = []
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            return [*ready, argument, *waiting]
        if argument == "--look":
            argument = f"--look={waiting.pop(0) if waiting and _names_file(waiting[0]) else IN_TERMINAL}"
        ready.append(argument)
    return ready


def _names_file(argument: str) -> bool:
    suffix = PurePath(argument).suffix.lower()
    # A text may end in "notes.txt"; the name of a picture may have spaces.
    return suffix in LOOK_FILES or (suffix in _OTHER_FILES and not any(map(str.isspace, argument)))

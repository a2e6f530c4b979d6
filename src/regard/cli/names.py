"""What inputs are called where several are shown."""

from collections.abc import Sequence
from itertools import chain, count

_LONGEST_NAME = 60  # letters of a text by which it is called


def distinct(texts: Sequence[str]) -> list[str]:
    """A name for each, no two alike.

    Example:
        >>> distinct(["a cat", "a dog", "a cat"])
        ['a cat', 'a dog', 'a cat (2)']
    """
    labels: list[str] = []
    for text in texts:
        short = text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1].rstrip() + "…"
        numbered = chain([short], (f"{short} ({number})" for number in count(2)))
        labels.append(next(name for name in numbered if name not in labels))
    return labels

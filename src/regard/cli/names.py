"""What inputs are called where several are shown."""

from collections.abc import Sequence

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
        count = 1 + sum(label == short or label.startswith(f"{short} (") for label in labels)
        labels.append(short if count == 1 else f"{short} ({count})")
    return labels

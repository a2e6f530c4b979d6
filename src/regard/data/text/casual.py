"""Pairs as people type them in passing, learnt beside the pairs as they were written."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from regard.data.text.pairs import Pair

# What ends a sentence, with the spaces that French writes before it.
_MARKS = ".!?…。！？ \t\u00a0\u202f"


def with_casual(pairs: Iterable[Pair], share: float) -> Iterator[Pair]:
    """Each pair and, after a share of those whose sides both end in a mark, the same pair typed in passing.

    Both sides lose the mark at their end, and half of the sources their capitals too; the target keeps its
    capitals, for it says how an answer is written. Which pairs are chosen depends on their text alone, so
    the order of a file and what else is in it change nothing.

    Args:
        pairs: read once, one after the other.
        share: from 0 to 1.

    Example:
        >>> for pair in with_casual([Pair("Come in!", "Entrez !"), Pair("one", "un")], 1.0):
        ...     print(*pair, sep=" | ")
        Come in! | Entrez !
        come in | Entrez
        one | un
    """
    for pair in pairs:
        yield pair
        source, target = pair.source.rstrip(_MARKS), pair.target.rstrip(_MARKS)
        if not source or not target or source == pair.source.rstrip() or target == pair.target.rstrip():
            continue
        text = "\0".join(pair).encode("utf-8", "surrogatepass")
        drawn = int.from_bytes(blake2b(text, digest_size=8, person=b"casual").digest(), "little")
        # The lowest bit, which hardly tells on the share, tells which sources lose their capitals.
        if drawn < share * 2**64:
            yield Pair(source.lower() if drawn % 2 else source, target)

"""Pairs of one's own that are learnt beside those of a set."""

from collections.abc import Iterable, Iterator

from regard.data.held_out import sentence_key
from regard.data.text.pairs import Pair


def with_more(
    pairs: Iterable[Pair], more: Iterable[Pair], times: int, held_out: Iterable[Pair], *, by: int = 0
) -> Iterator[Pair]:
    """The pairs and, after them, more pairs as often as asked, but for those that are held out.

    What is held out is known by one side, without case and punctuation: a figure of a test stays one of
    sentences that were never seen, whatever is in `more`.

    Args:
        pairs: read once.
        more: read `times` times.
        times: how often each is given.
        held_out: pairs of validation and test; read once, when the others have been given.
        by: the side that decides what is held out: 0, the source, or 1, the target.

    Example:
        >>> more = [Pair("Bye!", "Au revoir !"), Pair("hi", "salut")]
        >>> for pair in with_more([Pair("Go.", "Va !")], more, 2, held_out=[Pair("Hi.", "Salut !")]):
        ...     print(*pair, sep=" | ")
        Go. | Va !
        Bye! | Au revoir !
        Bye! | Au revoir !
    """
    yield from pairs
    held = {sentence_key(pair[by]) for pair in held_out}
    for _ in range(times):
        yield from (pair for pair in more if sentence_key(pair[by]) not in held)

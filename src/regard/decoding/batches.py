"""Which sentences to decode together."""

from collections.abc import Sequence


def decode_batches(lengths: Sequence[int], tokens: int = 4096, sentences: int = 64) -> list[list[int]]:
    """Group sentences of like length, longest first, so that little is padded.

    The longest first shows at the beginning whether memory suffices. The tokens of a result do not
    depend on the grouping.

    Args:
        lengths: source tokens of each sentence.
        tokens: most cells (rows times longest row) a batch may have; a longer sentence goes alone.
        sentences: most rows a batch may have.

    Returns:
        Lists of indices into ``lengths``; each index occurs once.

    Example:
        >>> decode_batches([3, 9, 4, 8], tokens=20)
        [[1, 3], [2, 0]]
    """
    if tokens < 1 or sentences < 1:
        raise ValueError(f"a batch needs room for a token and a sentence, not {tokens} and {sentences}")
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        room = batches and len(batches[-1]) < sentences
        if room and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches

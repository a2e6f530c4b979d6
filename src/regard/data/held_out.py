"""Which split a sentence belongs to: a pure function of the sentence.

Sets of everyday sentences have several translations of one sentence, and the same sentence with other
punctuation. Splitting rows at random would show the test to the training; here the English side decides,
without its case and punctuation, so that every pair of a sentence goes one way, whatever else the set holds.
"""

import unicodedata
from hashlib import sha256


def sentence_key(text: str) -> str:
    """A sentence without case, punctuation, accents' encoding or spacing.

    Example:
        >>> sentence_key("It's  me!") == sentence_key("its me")
        True
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(
        c if c.isalnum() or c.isspace() else "" for c in unicodedata.normalize("NFC", folded)
    ).split()
    return " ".join(words) or " ".join(text.split())


def position(text: str) -> float:
    """Where a sentence falls in [0, 1): the same on every machine, for ever.

    Example:
        >>> position("Go!") == position("go.")
        True
    """
    digest = sha256(b"regard\0" + sentence_key(text).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)


def split_of(text: str, share: float) -> str:
    """*validation* for the lowest `share` of positions, *test* for the highest, else *train*.

    Shares are nested: what is held out at a share is held out at every larger one.

    Example:
        >>> split_of("Go!", 0.5) in ("validation", "test")
        True
    """
    place = position(text)
    return "validation" if place < share else "test" if place >= 1 - share else "train"

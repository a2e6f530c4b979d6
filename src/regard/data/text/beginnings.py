"""The beginnings of texts: what a classifier reads of those that are longer than it takes."""

from collections.abc import Sequence

from regard.data.text.tokenizer import Tokenizer


class Beginnings:
    """An encoder for `regard.data.build_corpus` that cuts texts, where a tokenizer gives them whole.

    Args:
        tokenizer: of the texts.
        longest: tokens that are kept of each.

    Example:
        >>> from regard.data.text.config import TokenizerConfig
        >>> tokenizer = Tokenizer.train(["to be or not"] * 9, TokenizerConfig(kind="word"))
        >>> tokenizer.decode(Beginnings(tokenizer, 2).encode_batch(["to be or not"])[0])
        'to be'
    """

    def __init__(self, tokenizer: Tokenizer, longest: int) -> None:
        self._tokenizer, self._longest = tokenizer, longest

    @property
    def size(self) -> int:
        """Number of different ids."""
        return self._tokenizer.size

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, as far as they are kept."""
        return [ids[: self._longest] for ids in self._tokenizer.encode_batch(texts)]

    def to_bytes(self) -> bytes:
        """What tells this encoder from another."""
        return f"the first {self._longest} ".encode() + self._tokenizer.to_bytes()

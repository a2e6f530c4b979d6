"""What the rows and columns of an attention map stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

# With these tokenizers mark that a token begins a word: SentencePiece's, and that of byte-level BPE.
_MARK, _BYTE_MARK = "▁", "Ġ"
# A letter that a tokenizer never saw, spelt as its UTF-8 bytes: <0xE2><0x98><0x83>.
_BYTES = re.compile(r"(?:<0x[0-9A-F]{2}>)+")


@dataclass(frozen=True)
class Tokens:
    """An axis of tokens: one text a position, and which word each belongs to.

    Attributes:
        texts: what is written beside each position, length n.
        words: the word of each position (equal numbers belong together; ``None`` stands alone, as
            special tokens do), length n; or ``None`` when every token is a word.

    Raises:
        ValueError: the two lengths differ.

    Example:
        >>> axis = Tokens(("▁un", "aff", "able", "▁man", "</s>"), words=(0, 0, 0, 1, None))
        >>> axis.joined().texts
        ('unaffable', 'man', '</s>')
    """

    texts: tuple[str, ...]
    words: tuple[int | None, ...] | None = None

    def __post_init__(self) -> None:
        if self.words is not None and len(self.words) != len(self.texts):
            raise ValueError(
                f"an axis of {len(self.texts)} tokens needs as many word numbers, got {len(self.words)}"
            )

    @classmethod
    def of(cls, texts: Iterable[str], words: Iterable[int | None] | None = None) -> Tokens:
        """Builds an axis from any iterables.

        Example:
            >>> Tokens.of(["a", "b"])
            Tokens(texts=('a', 'b'), words=None)
        """
        return cls(tuple(texts), None if words is None else tuple(words))

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def labels(self) -> tuple[str, ...]:
        """The texts as a person reads them: without a tokenizer's word marks."""
        return tuple(self._bare(text) or text for text in self.texts)

    def groups(self) -> list[list[int]]:
        """The positions of each word, in order; a token of no word is a group of its own."""
        if self.words is None:
            return [[position] for position in range(len(self.texts))]
        groups: list[list[int]] = []
        previous: int | None = None
        for position, word in enumerate(self.words):
            if groups and word is not None and word == previous:
                groups[-1].append(position)
            else:
                groups.append([position])
            previous = word
        return groups

    def chosen(self, positions: Iterable[int]) -> Tokens:
        """The tokens at some positions, each by itself."""
        return Tokens(tuple(self.texts[position] for position in positions))

    def joined(self) -> Tokens:
        """The axis of whole words."""
        pieces = ["".join(self.texts[position] for position in group) for group in self.groups()]
        return Tokens(tuple(_spelt(self._bare(piece)) or piece for piece in pieces))

    def find(self, text: str) -> int:
        """The first position whose label is ``text`` (then: whose label is it but for case).

        Raises:
            ValueError: there is none; the message lists the labels.
        """
        for fold in (str, str.casefold):
            wanted = fold(text)
            for position, label in enumerate(self.labels):
                if fold(label) == wanted:
                    return position
        raise ValueError(f"no {text!r} among: {' '.join(self.labels)}")

    @cached_property
    def _byte_mark(self) -> str:
        # Byte-level BPE spells the letter Ġ (Maltese has it) by other signs; beside the other mark it is one.
        return "" if any(_MARK in text for text in self.texts) else _BYTE_MARK

    def _bare(self, text: str) -> str:
        return text.lstrip(self._byte_mark).strip(_MARK + " ")


def _spelt(word: str) -> str:
    """The word with letters in place of the bytes that spell them."""
    return _BYTES.sub(
        lambda found: bytes.fromhex(re.sub("<0x|>", "", found[0])).decode("utf-8", errors="replace"), word
    )

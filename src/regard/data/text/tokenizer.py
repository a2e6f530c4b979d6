"""A tokenizer: text to ids and back, without loss.

The text is brought to Unicode NFC (and lowered, and its spaces made plain, where asked): that is the declared
normalisation, `Tokenizer.normalise`. It is then cut before each space, so that a word and the space before it
stay together; a letter's elision mark stays with it (l'|homme); digits stand alone; punctuation is apart.
Nothing is thrown away by cutting, so joining the tokens gives the text back. With bpe, unigram and character,
letters never seen in training are spelt as UTF-8 bytes; with word, an unknown word is [UNK].
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from random import Random

import numpy as np
import tokenizers

from regard.data.text.config import TokenizerConfig
from regard.data.text.subwords import MergeTable
from regard.data.text.training_tokenizers import SPECIALS, train, words_in
from regard.errors import UserError
from regard.whole_file import write_atomically


class Tokenizer:
    """Turns text into token ids and ids into text.

    Special ids are fixed: 0 [PAD], 1 [UNK], 2 <s>, 3 </s>, 4 [CLS], 5 [SEP]. They are never made from text:
    a user who writes "[SEP]" gets its letters.

    Example:
        >>> from regard.data.text.config import TokenizerConfig
        >>> tokenizer = Tokenizer.train(["the cat", "the mat"] * 9, TokenizerConfig(vocabulary=276))
        >>> tokenizer.decode(tokenizer.encode("the bat ☃"))
        'the bat ☃'
    """

    pad, unk, bos, eos, cls, sep = range(6)

    def __init__(self, inner: tokenizers.Tokenizer) -> None:
        self._inner = inner
        # Without this the text "[PAD]" would become the padding id.
        inner.encode_special_tokens = True
        if [inner.id_to_token(i) for i in range(len(SPECIALS))] != list(SPECIALS):
            raise UserError(f"tokenizer: ids 0 to 5 must be {', '.join(SPECIALS)}; this file has others")

    @classmethod
    def train(cls, texts: Iterable[str], config: TokenizerConfig) -> "Tokenizer":
        """Learn a vocabulary from texts, which are read once and never held whole.

        Raises:
            UserError: no text at all, or a vocabulary larger (or smaller) than the text allows.
        """
        return cls(train(texts, config))

    @classmethod
    def from_bytes(cls, data: bytes, origin: str = "tokenizer.json") -> "Tokenizer":
        """Read what `to_bytes` gave; `origin` names it in errors."""
        try:
            inner = tokenizers.Tokenizer.from_str(data.decode("utf-8"))
        except Exception as error:  # the library raises bare Exception
            raise UserError(f"{origin}: not a tokenizer file ({error})") from None
        return cls(inner)

    @classmethod
    def load(cls, path: Path | str) -> "Tokenizer":
        """Read a tokenizer.json.

        Raises:
            UserError: missing or damaged file.
        """
        path = Path(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: cannot read the tokenizer ({error.strerror})") from None
        return cls.from_bytes(data, str(path))

    def to_bytes(self) -> bytes:
        """The content of tokenizer.json; the same vocabulary gives the same bytes."""
        return self._inner.to_str(pretty=True).encode("utf-8")

    def save(self, path: Path | str) -> None:
        """Write tokenizer.json.

        Raises:
            UserError: it cannot be written.
        """
        write_atomically(Path(path), self.to_bytes())

    def __reduce__(self) -> tuple[Callable[[bytes], "Tokenizer"], tuple[bytes]]:
        # Copies and workers go through the constructor, which sets what the file does not hold.
        return Tokenizer.from_bytes, (self.to_bytes(),)

    @property
    def size(self) -> int:
        """Number of tokens, specials included."""
        return int(self._inner.get_vocab_size())

    def normalise(self, text: str) -> str:
        """The text as a round trip gives it back."""
        normal: str = self._inner.normalizer.normalize_str(_unicode(text))
        return normal.removeprefix(" ")

    def encode(self, text: str, *, dropout: Random | None = None, rate: float = 0.1) -> list[int]:
        """Ids of a text, without special ids.

        Args:
            text: any text, several lines included.
            dropout: where given (bpe only), merges are skipped with probability `rate`, drawn from it.
            rate: see `dropout`.
        """
        ids: list[int] = self._inner.encode(_unicode(text), add_special_tokens=False).ids
        return ids if dropout is None else self.merges.resample(ids, rate, dropout)

    def encode_words(self, text: str) -> tuple[list[int], list[int | None]]:
        """Ids of a text, and of which word each is: words are what white space parts, numbered from 0.

        A token that is nothing but white space is of no word.

        Example:
            >>> from regard.data.text.config import TokenizerConfig
            >>> tokenizer = Tokenizer.train(["the cat."] * 3, TokenizerConfig(kind="word"))
            >>> tokenizer.encode_words("the cat.")[1]
            [0, 1, 1]
        """
        encoding = self._inner.encode(_unicode(text), add_special_tokens=False)
        word_at: list[int | None] = []
        count = -1
        for before, letter in zip(f" {text}", text, strict=False):
            count += before.isspace() and not letter.isspace()
            word_at.append(None if letter.isspace() else count)
        words = [[one for one in word_at[start:end] if one is not None] for start, end in encoding.offsets]
        return encoding.ids, [of[-1] if of else None for of in words]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts, in all threads that RAYON_NUM_THREADS allows (default: all cores)."""
        try:
            encodings = self._inner.encode_batch_fast(list(texts), add_special_tokens=False)
        except (UnicodeEncodeError, TypeError):
            return [self.encode(text) for text in texts]
        return [encoding.ids for encoding in encodings]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids. Special ids give nothing, except [UNK], and bytes that spell no letter �.

        What ids of whole letters give, they give whatever comes behind them.
        """
        pieces = [self._surface(i) for i in map(int, ids) if i == self.unk or i >= len(SPECIALS)]
        # The library, given the bytes, would show whole letters beside a broken one as broken, too.
        text: str = self._inner.decoder.decode([piece or "" for piece in _join_bytes(pieces)])
        return text

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """What each id looks like, for people: a space before a word is shown as ▁."""
        return [_visible(self._surface(i)) for i in map(int, ids)]

    def words(self, ids: Iterable[int]) -> list[int | None]:
        """The index of the word that each token belongs to, None for special tokens; for joining subwords.

        Words are numbered from 0 in the order of the text; a mark or a digit is a word of its own.
        """
        ids = [int(i) for i in ids]
        pieces = [None if i < len(SPECIALS) and i != self.unk else self._surface(i) for i in ids]
        pieces = _join_bytes(pieces)
        text = "".join(piece for piece in pieces if piece)
        word_at = np.zeros(len(text) + 1, dtype=np.int64)
        for index, (start, end) in enumerate(words_in(text)):
            word_at[start:end] = index
        words: list[int | None] = []
        position, compact = 0, dict[int, int]()
        for piece in pieces:
            if piece is None:
                words.append(None)
                continue
            # The rest of a letter spelt in bytes is empty here and belongs to the letter before it.
            at = int(word_at[position] if piece else word_at[max(position - 1, 0)])
            words.append(compact.setdefault(at, len(compact)))
            position += len(piece)
        return words

    @cached_property
    def merges(self) -> MergeTable:
        """The merges of a bpe vocabulary, for BPE-dropout.

        Raises:
            ValueError: the vocabulary is not bpe.
        """
        return MergeTable.of(self._inner)

    def _surface(self, index: int) -> str:
        token: str | None = self._inner.id_to_token(index)
        if token is None:
            raise ValueError(f"id {index} is outside the vocabulary of {self.size} tokens")
        return token


def _unicode(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UserError(
            f"text is not valid Unicode at character {error.start} (half of a surrogate pair)"
        ) from None
    return text


def _visible(surface: str) -> str:
    start = 1 if surface[:1].isspace() else 0
    rest = "".join(
        " " if c.isspace() and c.isprintable() else repr(c)[1:-1] if c.isspace() else c
        for c in surface[start:]
    )
    return "▁" * start + rest


def _join_bytes(pieces: Sequence[str | None]) -> list[str | None]:
    """Letters spelt in bytes are put on their first byte; the bytes after it become empty."""
    joined = list(pieces)
    i = 0
    while i < len(pieces):
        run = i
        while run < len(pieces) and _is_byte(pieces[run]):
            run += 1
        if run > i:
            raw = bytes(int(str(piece)[3:5], 16) for piece in pieces[i:run])
            joined[i:run] = [""] * (run - i)
            at = 0
            for letter in raw.decode("utf-8", errors="replace"):
                joined[i + at] = letter
                at += len(letter.encode("utf-8")) if letter != "�" else 1
        i = max(run, i + 1)
    return joined


def _is_byte(piece: str | None) -> bool:
    return piece is not None and len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">")

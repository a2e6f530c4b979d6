"""Learning a vocabulary with the `tokenizers` library, one function a kind."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Inner

from regard.data.text.config import TokenizerConfig
from regard.errors import UserError

SPECIALS = ("[PAD]", "[UNK]", "<s>", "</s>", "[CLS]", "[SEP]")
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))

# A word with the space before it and an elision mark behind it; one digit; a run of one mark; a lone space.
PIECE = r"\s?[\p{L}\p{M}]+['’]?|\s?\p{N}|\s?([^\s\p{L}\p{M}\p{N}])\1*|\s"


def train(texts: Iterable[str], config: TokenizerConfig) -> Inner:
    """Learn a vocabulary; see `regard.data.Tokenizer.train`.

    Texts are read once and only the different words in them are held. The same texts give the same
    vocabulary.
    """
    words: Counter[str] = Counter()
    for text in texts:
        words.update(text.split(" "))
    if not any(word.strip() for word in words):
        raise UserError("tokenizer: there is no text to learn a vocabulary from")
    try:
        return _KINDS[config.kind](words, config)
    except _TooLargeError as found:
        raise UserError(_advice(words, config, found.most)) from None


class _TooLargeError(Exception):
    """The text gave fewer tokens than asked: only `most`."""

    def __init__(self, most: int) -> None:
        self.most = most


def _advice(words: Counter[str], config: TokenizerConfig, most: int) -> str:
    # What is left out depends on the size asked for, so the advice is tried before it is given.
    while True:
        try:
            _KINDS[config.kind](words, config.model_copy(update={"vocabulary": most}))
        except _TooLargeError as found:
            most = found.most
        except UserError:
            return f"tokenizer: the training text is too small for a {config.kind} vocabulary; give more text"
        else:
            return (
                f"tokenizer.vocabulary = {config.vocabulary}: the text allows at most {most} tokens; "
                f"set tokenizer.vocabulary to {most} or less, or give more text"
            )


def _split(pattern: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


def words_in(text: str) -> list[tuple[int, int]]:
    """Start and end of each word, mark and digit; every character is in one of them.

    Example:
        >>> words_in("l'ami, 12")
        [(0, 2), (2, 5), (5, 6), (6, 8), (8, 9)]
    """
    return [span for _, span in _split(PIECE).pre_tokenize_str(text)]


def _frame(model: models.Model, config: TokenizerConfig) -> Inner:
    inner = Inner(model)
    steps: list[normalizers.Normalizer] = [normalizers.Lowercase()] if config.lowercase else []
    steps.append(normalizers.NFC())
    if config.spaces == "plain":
        steps.append(normalizers.Replace(Regex(r"\p{Zs}"), " "))
    # One space is put before the text and taken off again, so that a first word is like any other word.
    inner.normalizer = normalizers.Sequence([*steps, normalizers.Prepend(" ")])
    inner.pre_tokenizer = _split(r"\s|\S") if config.kind == "character" else _split(PIECE)
    unknown = [decoders.Replace("[UNK]", " [UNK]")] if config.kind == "word" else []
    inner.decoder = decoders.Sequence(
        [*unknown, decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return inner


def _room(config: TokenizerConfig, least: int = 1) -> int:
    room = config.vocabulary - len(SPECIALS) - len(BYTES)
    if room < least:
        raise UserError(
            f"tokenizer.vocabulary = {config.vocabulary}: a {config.kind} vocabulary holds "
            f"{len(SPECIALS)} special and {len(BYTES)} byte tokens; "
            f"give at least {config.vocabulary - room + least}"
        )
    return room


def _words(words: Counter[str], config: TokenizerConfig) -> Inner:
    inner = _frame(models.WordLevel(unk_token="[UNK]"), config)
    trainer = trainers.WordLevelTrainer(
        vocab_size=config.vocabulary,
        min_frequency=config.min_frequency,
        special_tokens=list(SPECIALS),
        show_progress=False,
    )
    inner.train_from_iterator(_repeated(words), trainer)
    return inner


def _characters(words: Counter[str], config: TokenizerConfig) -> Inner:
    room = _room(config)
    inner = _frame(models.BPE(), config)
    kept = _alphabet(words, inner, room, config.min_frequency)
    vocabulary = {token: index for index, token in enumerate([*SPECIALS, *kept, *BYTES])}
    inner.model = models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]", byte_fallback=True)
    inner.add_special_tokens(list(SPECIALS))
    return inner


def _bpe(words: Counter[str], config: TokenizerConfig) -> Inner:
    room = _room(config)
    inner = _frame(models.BPE(unk_token="[UNK]", byte_fallback=True), config)
    # Rare characters of a large script must not crowd the words out: they are spelt in bytes.
    alphabet = _alphabet(words, inner, max(room // 2, 1))
    trainer = trainers.BpeTrainer(
        vocab_size=room + len(SPECIALS),
        min_frequency=config.min_frequency,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        special_tokens=list(SPECIALS),
        show_progress=False,
    )
    inner.train_from_iterator(_repeated(words), trainer)
    file = json.loads(inner.to_str())
    vocabulary = file["model"]["vocab"]
    if len(vocabulary) < room + len(SPECIALS):
        raise _TooLargeError(len(vocabulary) + len(BYTES))
    for byte in BYTES:
        vocabulary[byte] = len(vocabulary)
    return Inner.from_str(json.dumps(file))


def _unigram(words: Counter[str], config: TokenizerConfig) -> Inner:
    # The letters of "<0x41>" must exist, so that this text is never taken for the byte token.
    spelling = set("".join(BYTES))
    room = _room(config, least=4 * len(spelling))
    inner = _frame(models.Unigram(), config)
    # This trainer keeps every letter that it sees, so words with rare letters are not shown to it.
    alphabet = {*_alphabet(words, inner, 3 * room // 4 - len(spelling)), *spelling}
    normalise = inner.normalizer.normalize_str
    common = Counter({word: n for word, n in words.items() if alphabet.issuperset(normalise(word))})
    trainer = trainers.UnigramTrainer(
        vocab_size=room + len(SPECIALS),
        unk_token="[UNK]",
        special_tokens=list(SPECIALS),
        initial_alphabet=sorted(spelling),
        show_progress=False,
    )
    try:
        inner.train_from_iterator(_repeated(common), trainer)
    except Exception as error:  # the library raises bare Exception
        raise UserError(
            f"tokenizer.vocabulary = {config.vocabulary}: no unigram vocabulary could be learnt ({error}); "
            "try a larger one"
        ) from None
    file = json.loads(inner.to_str())
    pieces = file["model"]["vocab"] = _settled(file["model"]["vocab"])
    if len(pieces) < room + len(SPECIALS):
        raise _TooLargeError(len(pieces) + len(BYTES))
    # Below any sum of real pieces that could spell a byte token's name.
    floor = 10 * min(score for _, score in pieces) - 100.0
    pieces.extend([byte, floor] for byte in BYTES)
    file["model"]["byte_fallback"] = True
    return Inner.from_str(json.dumps(file))


def _settled(pieces: list[list[Any]]) -> list[list[Any]]:
    """Unigram pieces and scores without what changes from run to run.

    The trainer sums in an order of its own, and scores the letters that it did not choose as pieces 0.0001
    apart in an order of its own: sums are rounded, and those letters share one score.
    """
    specials, learnt = pieces[: len(SPECIALS)], pieces[len(SPECIALS) :]
    letters = sum(len(piece) == 1 for piece, _ in learnt)
    lowest = min(score for _, score in learnt)
    spare = lowest + 0.0001 * (letters + 1)
    settled = [
        [piece, round(lowest, 3) if len(piece) == 1 and score < spare else round(score, 6)]
        for piece, score in learnt
    ]
    return specials + sorted(settled, key=lambda entry: (-entry[1], entry[0]))


_KINDS: dict[str, Callable[[Counter[str], TokenizerConfig], Inner]] = {
    "word": _words,
    "character": _characters,
    "bpe": _bpe,
    "unigram": _unigram,
}


def _alphabet(words: Counter[str], inner: Inner, most: int, min_frequency: int = 1) -> list[str]:
    """The most frequent letters, the space before a word among them."""
    letters: Counter[str] = Counter()
    for word, count in words.items():
        for letter in inner.normalizer.normalize_str(word):
            letters[letter] += count
    # Ties are broken by the letter itself, so that the order of the texts does not matter.
    kept = [letter for letter, count in letters.items() if count >= min_frequency]
    return sorted(kept, key=lambda letter: (-letters[letter], letter))[:most]


def _repeated(words: Counter[str]) -> Iterator[str]:
    """Each word as often as it was seen; the frame puts the space before it back."""
    for word in sorted(words):
        yield from repeat(word, words[word])

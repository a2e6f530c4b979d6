"""Learning a vocabulary with the `tokenizers` library, one function a kind."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Inner

from regard.data.config import TokenizerConfig
from regard.errors import UserError

SPECIALS = ("[PAD]", "[UNK]", "<s>", "</s>", "[CLS]", "[SEP]")
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))

# A word with the space before it and an elision mark behind it; one digit; a run of one mark; a lone space.
PIECE = r"\s?[\p{L}\p{M}]+['’]?|\s?\p{N}|\s?([^\s\p{L}\p{M}\p{N}])\1*|\s"


def train(texts: Iterable[str], config: TokenizerConfig) -> Inner:
    """Learn a vocabulary; see `regard.data.Tokenizer.train`."""
    counted = _Counted(texts)
    if config.kind == "word":
        inner = _words(counted, config)
    elif config.kind == "character":
        inner = _characters(counted, config)
    elif config.kind == "bpe":
        inner = _bpe(counted, config)
    else:
        inner = _unigram(counted, config)
    return inner


class _Counted:
    """The texts, refusing to end empty: the library would make a vocabulary of nothing."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts

    def __iter__(self) -> Iterator[str]:
        some = False
        for text in self._texts:
            some = some or bool(text.strip())
            yield text
        if not some:
            raise UserError("tokenizer: there is no text to learn a vocabulary from")


def _frame(model: models.Model, config: TokenizerConfig) -> Inner:
    inner = Inner(model)
    steps: list[normalizers.Normalizer] = [normalizers.Lowercase()] if config.lowercase else []
    steps.append(normalizers.NFC())
    if config.spaces == "plain":
        steps.append(normalizers.Replace(Regex(r"\p{Zs}"), " "))
    # One space is put before the text and taken off again, so that a first word is like any other word.
    inner.normalizer = normalizers.Sequence([*steps, normalizers.Prepend(" ")])
    pattern = r"\s|\S" if config.kind == "character" else PIECE
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    unknown = [decoders.Replace("[UNK]", " [UNK]")] if config.kind == "word" else []
    inner.decoder = decoders.Sequence(
        [*unknown, decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return inner


def _room(config: TokenizerConfig) -> int:
    room = config.vocabulary - len(SPECIALS) - len(BYTES)
    if room < 1:
        least = len(SPECIALS) + len(BYTES) + 1
        raise UserError(
            f"tokenizer.vocabulary = {config.vocabulary}: a {config.kind} vocabulary holds "
            f"{len(SPECIALS)} special and {len(BYTES)} byte tokens; give at least {least}"
        )
    return room


def _words(texts: Iterable[str], config: TokenizerConfig) -> Inner:
    inner = _frame(models.WordLevel(unk_token="[UNK]"), config)
    trainer = trainers.WordLevelTrainer(
        vocab_size=config.vocabulary,
        min_frequency=config.min_frequency,
        special_tokens=list(SPECIALS),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return inner


def _characters(texts: Iterable[str], config: TokenizerConfig) -> Inner:
    room = _room(config)
    inner = _frame(models.BPE(), config)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(inner.normalizer.normalize_str(text))
    # Ties are broken by the character itself, so that the order of the texts does not matter.
    kept = sorted((c for c, n in counts.items() if n >= config.min_frequency), key=lambda c: (-counts[c], c))
    vocabulary = {token: index for index, token in enumerate([*SPECIALS, *kept[:room], *BYTES])}
    inner.model = models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]", byte_fallback=True)
    inner.add_special_tokens(list(SPECIALS))
    return inner


def _bpe(texts: Iterable[str], config: TokenizerConfig) -> Inner:
    room = _room(config)
    inner = _frame(models.BPE(unk_token="[UNK]", byte_fallback=True), config)
    trainer = trainers.BpeTrainer(
        vocab_size=room + len(SPECIALS),
        min_frequency=config.min_frequency,
        # Rare characters of a large script must not crowd the words out: they are spelt in bytes.
        limit_alphabet=max(room // 2, 1),
        special_tokens=list(SPECIALS),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    file = json.loads(inner.to_str())
    vocabulary = file["model"]["vocab"]
    _check_size(len(vocabulary), room, config)
    for byte in BYTES:
        vocabulary[byte] = len(vocabulary)
    return Inner.from_str(json.dumps(file))


def _unigram(texts: Iterable[str], config: TokenizerConfig) -> Inner:
    room = _room(config)
    inner = _frame(models.Unigram(), config)
    trainer = trainers.UnigramTrainer(
        vocab_size=room + len(SPECIALS),
        unk_token="[UNK]",
        special_tokens=list(SPECIALS),
        # The letters of "<0x41>" must exist, so that this text is never taken for the byte token.
        initial_alphabet=sorted({*"".join(BYTES)}),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    file = json.loads(inner.to_str())
    pieces = file["model"]["vocab"]
    _check_size(len(pieces), room, config)
    # Below any sum of real pieces that could spell a byte token's name.
    floor = 10 * min(score for _, score in pieces) - 100.0
    pieces.extend([byte, floor] for byte in BYTES)
    file["model"]["byte_fallback"] = True
    return Inner.from_str(json.dumps(file))


def _check_size(learnt: int, room: int, config: TokenizerConfig) -> None:
    if learnt < room + len(SPECIALS):
        most = learnt + len(BYTES)
        raise UserError(
            f"tokenizer.vocabulary = {config.vocabulary}: the training text allows at most {most} tokens; "
            f"set tokenizer.vocabulary to {most} or less, or give more text"
        )

"""Tokenizers: nothing is lost between text and ids."""

import pickle
import re
import unicodedata
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data.text import Tokenizer, TokenizerConfig
from regard.errors import UserError

LINES = [
    "The cat sat on the mat.",
    "Le chat s'est assis sur le tapis ; il n'a pas bougé !",
    "A 25-year-old man in 1999, isn't he?",
    "고양이가 매트 위에 앉았다. 한국어 문장입니다.",
    "«\u00a0Où est l’ami\u202f?\u00a0» demanda-t-elle…",
]
MORE = [
    "The teacher looked at the garden while her neighbour carried an umbrella through the narrow street.",
    "Every morning the baker opened his shop before the children walked to school along the river.",
    "Nobody remembered where the old instruments had been hidden after the long winter.",
    "Sa grand-mère regardait les montagnes pendant que le marchand achetait une voiture rouge.",
    "Les enfants ont oublié leurs livres dans la grande maison au bord de la rivière.",
    "Nous avons marché longtemps sous la pluie avant de trouver un endroit tranquille pour manger.",
    "Quelques étudiants travaillaient encore quand les lumières de la bibliothèque se sont éteintes.",
    "She wondered whether something important had happened to the travellers during the night.",
    "Would you rather learn another language, or travel around the world with your friends?",
    "Il faudrait que tu viennes demain, sinon nous partirons sans toi vers le village voisin.",
]
TEXTS = LINES * 20 + MORE * 5

KINDS = ("bpe", "unigram", "character", "word")
LOSSLESS = ("bpe", "unigram", "character")

text = st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=40)


def config(kind: str, **more: object) -> TokenizerConfig:
    return TokenizerConfig.model_validate({"kind": kind, "vocabulary": 450, "min_frequency": 1, **more})


@pytest.fixture(scope="module", params=LOSSLESS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return Tokenizer.train(TEXTS, config(request.param))


@pytest.fixture(scope="module")
def bpe() -> Tokenizer:
    return Tokenizer.train(TEXTS, config("bpe", vocabulary=450))


@settings(max_examples=60, deadline=None)
@given(text=text)
def test_any_text_comes_back_in_nfc(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == tokenizer.normalise(text) == unicodedata.normalize("NFC", text)
    assert tokenizer.unk not in ids
    assert all(6 <= i < tokenizer.size for i in ids)


@pytest.mark.parametrize(
    "text",
    ["", " ", "  two  spaces ", "\t\n", "▁", "[PAD] [SEP] </s> <s>[UNK]", "<0x41>", "e\u0301",
     "\u1112\u1161\u11ab", "☃ 🙂 𝔘", "a\u00a0b\u202f!", "\ufeffx", "...", "l''ami"],
)  # fmt: skip
def test_awkward_texts_come_back(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == unicodedata.normalize("NFC", text)
    assert min(ids, default=6) >= 6  # what a user writes is never a special token


@pytest.mark.parametrize("kind", KINDS)
def test_seen_text_comes_back_whatever_the_kind(kind: str) -> None:
    tokenizer = Tokenizer.train(TEXTS, config(kind))
    for line in LINES:
        assert tokenizer.decode(tokenizer.encode(line)) == line


def test_lowercase_and_plain_spaces_are_declared() -> None:
    tokenizer = Tokenizer.train(TEXTS, config("bpe", lowercase=True, spaces="plain"))
    assert tokenizer.normalise("VA\u202f!\u00a0Été") == "va ! été"
    assert tokenizer.decode(tokenizer.encode("VA\u202f!\u00a0Été")) == "va ! été"


def test_unknown_words_show_as_unk() -> None:
    tokenizer = Tokenizer.train(TEXTS, config("word"))
    ids = tokenizer.encode("The zebra sat.")
    assert tokenizer.unk in ids
    assert tokenizer.decode(ids) == "The [UNK] sat."


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_texts_give_the_same_file(kind: str) -> None:
    first = Tokenizer.train(TEXTS, config(kind)).to_bytes()
    assert first == Tokenizer.train(iter(TEXTS), config(kind)).to_bytes()
    assert first == Tokenizer.train(TEXTS[::-1], config(kind)).to_bytes()


def test_saved_and_loaded_it_is_the_same(tokenizer: Tokenizer, tmp_path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert loaded.to_bytes() == tokenizer.to_bytes()
    assert loaded.size == tokenizer.size
    assert loaded.encode("the [PAD] 고양이") == tokenizer.encode("the [PAD] 고양이")


def test_copies_keep_users_text_apart_from_special_tokens(tokenizer: Tokenizer) -> None:
    copied = pickle.loads(pickle.dumps(tokenizer))
    assert copied.encode("[PAD]") == tokenizer.encode("[PAD]")


def test_batches_equal_single_texts(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode_batch(LINES) == [tokenizer.encode(line) for line in LINES]
    assert tokenizer.encode_batch([]) == []


def test_special_ids_decode_to_nothing(bpe: Tokenizer) -> None:
    ids = bpe.encode("the cat")
    assert bpe.decode([bpe.bos, *ids, bpe.eos, bpe.pad]) == "the cat"


@pytest.mark.parametrize("kind", LOSSLESS)
def test_only_bytes_that_spell_no_letter_are_replaced(kind: str) -> None:
    tokenizer = Tokenizer.train(TEXTS, config(kind))
    whole = tokenizer.encode("hi 🙂🙂")
    stray = tokenizer.encode("Ж")[-2]  # the first of its two bytes
    for broken, shown in (([stray], "�"), ([stray, *whole[-4:]], "�🙂"), (whole[-4:-1], "�")):
        assert tokenizer.decode([*whole, *broken]) == f"hi 🙂🙂{shown}"


def test_tokens_are_for_people(bpe: Tokenizer) -> None:
    shown = bpe.tokens([bpe.bos, *bpe.encode("the ☃\n")])
    assert shown[:2] == ["<s>", "▁the"]
    assert shown[2:] == ["▁", "<0xE2>", "<0x98>", "<0x83>", "<0x0A>"]


def test_words_join_subwords(bpe: Tokenizer) -> None:
    ids = [bpe.bos, *bpe.encode("L'ami bougeait, 25 ☃s."), bpe.eos]
    words = bpe.words(ids)
    assert words[0] is None
    assert words[-1] is None
    joined: dict[int, str] = {}
    for index, word in zip(ids, words, strict=True):
        if word is not None:
            joined[word] = joined.get(word, "") + bpe.tokens([index])[0]
    assert list(joined) == list(range(len(joined)))
    plain = [joined[word].lstrip("▁") for word in joined]
    assert plain == ["L'", "ami", "bougeait", ",", "2", "5", "<0xE2><0x98><0x83>", "s", "."]


@settings(max_examples=40, deadline=None)
@given(text=text)
def test_words_never_go_backwards(bpe: Tokenizer, text: str) -> None:
    words = [word for word in bpe.words(bpe.encode(text)) if word is not None]
    assert words == sorted(words)
    assert sorted(set(words)) == list(range(len(set(words))))


@given(ids=st.lists(st.integers(0, 449), max_size=12))
@settings(max_examples=40, deadline=None)
def test_any_ids_have_words_and_text(bpe: Tokenizer, ids: list[int]) -> None:
    # A model may say bytes that make no letter.
    assert len(bpe.words(ids)) == len(bpe.tokens(ids)) == len(ids)
    assert isinstance(bpe.decode(ids), str)


def test_character_tokens_join_to_words() -> None:
    tokenizer = Tokenizer.train(TEXTS, config("character"))
    assert tokenizer.words(tokenizer.encode("the cat")) == [0, 0, 0, 0, 1, 1, 1, 1]


class TestErrors:
    def test_no_text(self) -> None:
        for texts in ([], ["", "  "]):
            with pytest.raises(UserError, match="no text"):
                Tokenizer.train(texts, config("bpe"))

    @pytest.mark.parametrize("kind", ["bpe", "unigram"])
    def test_vocabulary_too_large(self, kind: str) -> None:
        with pytest.raises(UserError, match="vocabulary = 90000: the text allows") as caught:
            Tokenizer.train(TEXTS, config(kind, vocabulary=90000))
        most = int(re.findall(r"at most (\d+) tokens", str(caught.value))[0])
        assert Tokenizer.train(TEXTS, config(kind, vocabulary=most)).size == most  # the advice is right

    @pytest.mark.parametrize("kind", LOSSLESS)
    def test_vocabulary_too_small(self, kind: str) -> None:
        with pytest.raises(UserError, match="give at least"):
            Tokenizer.train(TEXTS, config(kind, vocabulary=200))

    def test_missing_and_damaged_files(self, tmp_path) -> None:
        with pytest.raises(UserError, match=r"nowhere\.json: cannot read"):
            Tokenizer.load(tmp_path / "nowhere.json")
        (tmp_path / "bad.json").write_text("{}")
        with pytest.raises(UserError, match=r"bad\.json: not a tokenizer"):
            Tokenizer.load(tmp_path / "bad.json")

    def test_half_a_surrogate_pair(self, bpe: Tokenizer) -> None:
        with pytest.raises(UserError, match="character 1"):
            bpe.encode("a\ud800")
        with pytest.raises(UserError, match="character 0"):
            bpe.encode_batch(["fine", "\udfff"])

    def test_dropout_needs_bpe(self) -> None:
        with pytest.raises(ValueError, match="bpe"):
            config("word", dropout=0.1)
        with pytest.raises(ValueError, match="WordLevel"):
            _ = Tokenizer.train(TEXTS, config("word")).merges

    def test_id_outside(self, bpe: Tokenizer) -> None:
        with pytest.raises(ValueError, match="outside the vocabulary"):
            bpe.tokens([10_000])


class TestDropout:
    def test_the_text_stays(self, bpe: Tokenizer) -> None:
        chance = Random(0)
        for line in LINES:
            for rate in (0.1, 0.5, 1.0):
                assert bpe.decode(bpe.encode(line, dropout=chance, rate=rate)) == line

    def test_ends(self, bpe: Tokenizer) -> None:
        line, chance = TEXTS[0], Random(0)
        ids = bpe.encode(line)
        assert bpe.encode(line, dropout=chance, rate=0.0) == ids
        assert len(bpe.encode(line, dropout=chance, rate=1.0)) == len(line) + 1  # one a letter, and a space

    def test_no_drop_is_what_the_library_does(self, bpe: Tokenizer) -> None:
        # The merging loop itself, from letters, with nothing skipped.
        for word in bpe.merges._words(bpe.encode(" ".join(LINES))):
            assert bpe.merges._recut(word, 10_000, 0.0, Random(0)) == word

    def test_seeded(self, bpe: Tokenizer) -> None:
        cuts = [bpe.encode(TEXTS[0], dropout=Random(seed), rate=0.3) for seed in (1, 1, 2)]
        assert cuts[0] == cuts[1] != cuts[2]

    def test_a_word_stays_whole_as_often_as_all_its_merges_are_kept(self, bpe: Tokenizer) -> None:
        ids = bpe.encode("The")
        assert len(ids) == 1
        chance = Random(0)
        whole = np.mean([bpe.merges.resample(ids, 0.2, chance) == ids for _ in range(2000)])
        # Three merges; another cut may still find its way back to the same token.
        assert 0.8**3 - 0.03 < whole < 0.8**3 + 0.1

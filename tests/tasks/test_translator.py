"""The translator: any text in, nothing lost."""

import warnings

import pytest
import torch

import regard
from regard import UserError
from regard.tasks.text.segments import shorten


@pytest.fixture(scope="module")
def translator(model_folder):
    return regard.load(model_folder)


def test_what_a_translation_holds(translator):
    result = translator("one red cat.", n_best=2)
    assert result.text == result.n_best[0].text
    assert result.source_tokens[-1] == result.tokens[-1] == "</s>"
    assert [c.score for c in result.n_best] == sorted((c.score for c in result.n_best), reverse=True)
    assert result.score == pytest.approx(
        result.n_best[0].log_probability / translator.recipe.decoding.penalty(len(result.tokens))
    )


def test_empty_texts_stay_empty_and_order_is_kept(translator):
    texts = ["one cat.", "", "two red dog sees one cat.", "  \n", "red."]
    results = translator(texts)
    assert [bool(result.text) for result in results] == [True, False, True, False, True]
    assert [result.text for result in results] == [translator(text).text for text in texts]
    assert translator("").attention == {}


@pytest.mark.parametrize("text", ["\u200b", " \ufeff\u200d ", "\u2060\n\u200b\n", "\u00ad\x07"])
def test_what_shows_nothing_is_empty(translator, text):
    for split in (True, False):
        assert translator(text, split=split) == translator("")
    apart = [translator(sentence).text for sentence in ("One cat.", "Two dog!")]
    assert translator(f"One cat.\n{text}\nTwo dog!").text.split() == " ".join(apart).split()
    assert translator("One cat.\n\u200b\nTwo dog!").text == translator("One cat.\n\nTwo dog!").text


def test_sentences_are_translated_apart_and_joined(translator):
    whole = translator("One cat. Two dog!\n\nRed?")
    apart = [translator(text).text for text in ("One cat.", "Two dog!", "Red?")]
    assert whole.text == f"{apart[0]} {apart[1]}\n\n{apart[2]}"
    assert len(whole.parts) == 3
    assert len(whole.tokens) == sum(len(part.tokens) for part in whole.parts)
    with pytest.raises(UserError, match="parts"):
        _ = whole.attention
    assert translator("One cat. Two dog!", split=False).parts == ()


def test_too_long_a_sentence_is_cut_with_a_warning(translator):
    text = "one red cat, " * 60 + "two."
    with pytest.warns(UserWarning, match="longer than the"):
        result = translator(text)
    read = "".join(token for part in result.parts for token in part.source_tokens if token != "</s>")
    assert read.count("one") == 60
    assert read.endswith("two.")


def test_pieces_all_fit_and_lose_nothing():
    for text in ("a" * 50, "one two " * 9 + "three", "one, two; three: four, five", "x"):
        pieces = list(shorten(text.strip(), lambda piece: len(piece) <= 10))
        assert all(len(piece) <= 10 for piece in pieces)
        assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


def test_attention_of_every_place(translator):
    result = translator("one red cat.")
    maps = result.attention
    assert set(maps) == {"encoder.0.self", "decoder.0.self", "decoder.0.cross"}
    cross = maps["decoder.0.cross"]
    assert cross.weights.shape == (2, len(result.tokens), len(result.source_tokens))
    assert cross.query_axis.texts == result.tokens
    assert cross.key_axis.texts == result.source_tokens
    assert maps["decoder.0.self"].key_axis.texts == ("<s>", *result.tokens[:-1])
    for seen in maps.values():
        torch.testing.assert_close(seen.weights.sum(-1), torch.ones_like(seen.weights[..., 0]))
    assert result.attention is maps


def test_a_translation_does_not_depend_on_its_batch(translator):
    words = ["one", "two", "red", "cat", "dog", "sees"]
    texts = [" ".join(words[: 1 + i % 6]) + "." for i in range(23)]
    alone = [translator(text) for text in texts]
    together = translator(texts)
    assert [t.tokens for t in alone] == [t.tokens for t in together]


def test_options_are_checked(translator):
    with pytest.raises(UserError, match="beems"):
        translator("one", beems=3)
    with pytest.raises(UserError, match="n_best"):
        translator("one", beam=2, n_best=5)


def test_a_smaller_beam_is_all_that_need_be_said(model_folder):
    several = regard.load(model_folder)
    several.recipe = several.recipe.model_copy(
        update={"decoding": several.recipe.decoding.changed(beam=3, n_best=3)}
    )
    assert [len(several("one cat.", **asked).n_best) for asked in ({}, {"beam": 2}, {"beam": 1})] == [3, 2, 1]
    with pytest.raises(UserError, match="n_best"):
        several("one cat.", beam=1, n_best=3)


def test_samples_are_ranked_too(translator):
    drawn = translator("one red cat.", sample=True, n_best=5, temperature=2.0).n_best
    assert len({candidate.tokens for candidate in drawn}) > 1
    assert [c.score for c in drawn] == sorted((c.score for c in drawn), reverse=True)


def test_bf16_runs(model_folder):
    assert regard.load(model_folder, precision="bf16")("one red cat.").tokens
    with pytest.raises(UserError, match="float32 and bf16"):
        regard.load(model_folder, precision="int3")
    with pytest.raises(UserError, match="device"):
        regard.load(model_folder, device="nonsense")


def test_short_sentences_do_not_warn(translator):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        translator("one red cat sees two dog. " * 5)


def test_room_for_longer_output_cuts_no_source(translator):
    text = "one red cat sees two red dog."
    plain = translator(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for option in ({"max_extra": 100_000}, {"max_ratio": 100.0}):
            assert translator(text, **option).tokens == plain.tokens
    assert translator.longest == min(
        translator.recipe.data.filters.max_length, translator.model.max_length - 1
    )


def test_a_byte_order_mark_is_no_letter(translator):
    assert translator("\ufeffone cat.") == translator("one cat.")

"""A translator's heads as aligners."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from toy_pairs import sentences
from typer.testing import CliRunner

import regard
from regard.cli.app import app
from regard.data.text import TokenizerConfig
from regard.errors import UserError
from regard.lens.alignment import Links
from regard.tasks.text.alignment import (
    AlignmentHeads,
    _first_words,
    align,
    align_translation,
    find_heads,
    force,
)
from regard.tasks.text.translator import Translator, new_model
from regard.tasks.text.vocabularies import Vocabularies

PAIRS = [*sentences()[:4], ("", ""), ("two dog", "deux chien")]


def test_forced_weights_are_those_of_the_model(model_folder: Path) -> None:
    translator = regard.load(model_folder)
    source, target = PAIRS[0]
    ids, words = translator.vocabularies.source.encode_words(source)
    wrote, written = translator.vocabularies.target.encode_words(target)
    with torch.no_grad(), regard.look(translator.model, "decoder.0.cross") as seen:
        given = torch.tensor([[*ids, 3]])
        translator.model(given, given != 0, torch.tensor([[2, *wrote]]))
    weights = seen["decoder.0.cross"].weights[0]
    found = {one.number: one.weights for one in force(translator, PAIRS, ["decoder.0.cross"])}
    assert sorted(found) == [0, 1, 2, 3, 5]
    for by, first in (("output", 0), ("input", 1)):
        ours = found[0][by]["decoder.0.cross"]
        assert ours.shape == (2, 3, 3)
        for target_word in range(3):
            rows = [first + at for at, word in enumerate(written) if word == target_word]
            for source_word in range(3):
                keys = [at for at, word in enumerate(words) if word == source_word]
                by_hand = weights[:, rows][:, :, keys].sum(-1).mean(-1)
                torch.testing.assert_close(ours[:, target_word, source_word], by_hand)


def test_the_best_heads_are_found_and_stored(model_folder: Path, tmp_path: Path) -> None:
    translator = regard.load(model_folder)
    truth = AlignmentHeads((("decoder.0.cross", 1),), "input")
    reference = align(translator, PAIRS, truth)
    assert reference[4] == Links()
    found = find_heads(translator, PAIRS, reference)
    assert len(found) == 6  # two heads and their mean, by two rows
    best = [one.heads for one in found if one.score.error_rate == 0.0]
    assert truth in best
    own = shutil.copytree(model_folder, tmp_path / "own")
    for name, lines in (
        ("s", [s for s, _ in PAIRS]),
        ("t", [t for _, t in PAIRS]),
        ("r", map(str, reference)),
    ):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    given = [str(own), "--source", str(tmp_path / "s"), "--target", str(tmp_path / "t")]
    before = json.loads((own / "metrics.json").read_text())
    run = CliRunner().invoke(app, ["align", *given, "--reference", str(tmp_path / "r"), "--save"])
    assert run.exit_code == 0, run.output
    assert "error rate" in run.stdout
    after = json.loads((own / "metrics.json").read_text())
    assert after.pop("alignment")["error_rate"] == 0.0
    assert after == before
    run = CliRunner().invoke(app, ["align", *given, "--reference", str(tmp_path / "r"), "--save"])
    assert run.exit_code != 0  # not unasked
    stored = regard.load(own)  # its hashes are right
    run = CliRunner().invoke(app, ["align", *given, "--out", str(tmp_path / "made")])
    assert run.exit_code == 0, run.output
    assert [Links.parse(line) for line in (tmp_path / "made").read_text().splitlines()] == align(
        stored, PAIRS, best[0]
    )
    again = CliRunner().invoke(app, ["align", *given, "--out", str(tmp_path / "made")])
    assert isinstance(again.exception, UserError)


def test_a_translation_of_several_sentences(model_folder: Path) -> None:
    translator = regard.load(model_folder)
    heads = AlignmentHeads.parse("decoder.0.cross:0,decoder.0.cross:1")
    parts = ["One cat dog.", "Two red cat."]
    whole = translator(" ".join(parts))
    assert len(whole.parts) == 2
    alone = [translator(part) for part in parts]
    found = align_translation(translator, " ".join(parts), whole, heads)
    one, other = (align_translation(translator, *both, heads) for both in zip(parts, alone, strict=True))
    words = len(alone[0].text.split())
    assert found.sure == one.sure | {(a + 3, b + words) for a, b in other.sure}


@pytest.mark.parametrize(
    ("text", "parts", "first"),
    [
        ("Q w e r t y u. Zz yy. The cat.", ["Q w e r t y u.", "Zz yy.", "The cat."], [0, 7, 9]),
        ("猫。犬。 A cat.", ["猫。", "犬。", "A cat."], [0, 0, 1]),
        ("\u200b\n\u200b One.\n\u200b\nTwo", ["\u200b One.", "Two"], [1, 4]),  # also a word that none can see
        ("un\n", ["un", ""], [0, 0]),
        ("", [""], [0]),
    ],
)
def test_words_of_sentences_are_counted_in_the_text(text: str, parts: list[str], first: list[int]) -> None:
    assert _first_words(text, parts) == first


def test_words_that_are_not_known_are_counted(model_folder: Path) -> None:
    translator = regard.load(model_folder)
    recipe = translator.recipe.model_copy(update={"tokenizer": TokenizerConfig(kind="word")})
    vocabularies = Vocabularies.train(PAIRS, recipe.tokenizer)
    translator = Translator(new_model(recipe, vocabularies).eval(), vocabularies, recipe)
    text = "Q w e r t y u. Zz yy xx ww vv uu. One red cat."
    whole = translator(text)
    assert [part.source for part in whole.parts] == ["Q w e r t y u.", "Zz yy xx ww vv uu.", "One red cat."]
    found = align_translation(translator, text, whole, AlignmentHeads.parse("decoder.0.cross:0"))
    last = len(" ".join(part.text for part in whole.parts[:2]).split())
    assert {one for one, other in found.sure if other >= last} <= {13, 14, 15}
    assert len(found.sure) == len(whole.text.split())


def test_what_makes_no_sense_is_told(model_folder: Path) -> None:
    translator = regard.load(model_folder)
    with pytest.raises(UserError, match=r"there is no head 7"):
        align(translator, PAIRS, AlignmentHeads.parse("decoder.0.cross:7"))
    with pytest.raises(UserError, match=r"'decoder.9.cross' is no place that looks at the source"):
        align(translator, PAIRS, AlignmentHeads.parse("decoder.9.cross:0"))
    with pytest.raises(UserError, match="'cross' names no head"):
        AlignmentHeads.parse("cross")
    with pytest.raises(UserError, match="the reference has 1 line for 6 pairs"):
        find_heads(translator, PAIRS, [Links()])
    with pytest.raises(UserError, match="line 1 of the reference: the link 9-0 leads out"):
        find_heads(translator, PAIRS[:1], [Links.parse("9-0")])
    with pytest.raises(UserError, match="no pair has words on both sides"):
        find_heads(translator, [("", ""), ("cat", " \u200b")], [Links(), Links()])
    with pytest.raises(UserError, match=r"pair 2 has .* tokens; the model reads"):
        align(translator, [PAIRS[0], ("cat " * 2000, "chat")], AlignmentHeads.parse("decoder.0.cross:0"))

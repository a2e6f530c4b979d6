"""The other commands, and what all of them share."""

from __future__ import annotations

import gzip
import json
import re
import warnings
from pathlib import Path

import pytest

from .conftest import PAIRS, Regard


def test_help_and_version(regard: Regard) -> None:
    out = regard("--help").out
    for command in ("translate", "train", "evaluate", "generate", "classify", "data", "look", "doctor"):
        assert f"  {command} " in out
    assert regard("--version").out.startswith("regard 0.")
    assert regard("frobnicate").code == 2


def test_train_evaluate_translate(regard: Regard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pairs.tsv").write_text(
        "".join(f"{number} {source}\t{number} {target}\n" for number, (source, target) in enumerate(PAIRS))
    )
    Path("tiny.toml").write_text(
        'task = "translation"\n[data]\ntrain = "pairs.tsv"\nvalidation = "pairs.tsv"\n'
        '[tokenizer]\nkind = "word"\nmin_frequency = 1\n[model]\nwidth = 16\nlayers = 1\nheads = 2\n'
        "[decoding]\nmax_extra = 2\nmax_ratio = 1.0\n"
    )
    trained = regard("train", "tiny.toml", "--set", "training.updates=2", "--out", "model")
    assert trained.code == 0, trained.err
    assert trained.out == ""
    assert "The model is in model." in trained.err
    again = regard("train", "tiny.toml", "--set", "training.updates=2", "--out", "model")
    assert (again.code, "--out" in again.err) == (2, True)
    figures = json.loads(regard("evaluate", "model", "--data", "pairs.tsv", "--beam", 1, "--json").out)
    assert figures["sentences"] == len(PAIRS)
    assert figures["signatures"]["bleu"].startswith("nrefs:1|case:mixed")
    Path("a.en").write_text("The cat.\nThe dog.\n")
    Path("a.fr").write_text("Le chat.\nLe chien.\n")
    shown = regard("evaluate", "model", "--source", "a.en", "--target", "a.fr", "--beam", 1).out
    assert re.search(r"BLEU by words in the source: ≤5 [0-9.]+", shown)
    assert "tokens per second" in shown
    assert "nrefs:1|case:lc" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "no.toml"], "no.toml: there is no such recipe file"),
        (["evaluate", "no-model"], "neither a model folder nor a model that ships"),
        (["evaluate", "m", "--source", "a"], "--source and --target go together"),
        (["evaluate", "m", "--source", "a", "--target", "b", "--data", "c"], "either --data, or"),
        (["data", "path", "multi31k"], "did you mean 'multi30k'"),
        (["look", "neighbours", "no-model", "the"], "neither a model folder"),
    ],
)
def test_what_cannot_be_done_is_said(regard: Regard, arguments: list[str], words: str) -> None:
    ran = regard(*arguments)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.startswith("regard: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["translate", "The cat.", "--beam", "1001"],
        *(
            ["serve", "no-such-model", option, value]
            for option in ("--seconds", "--megapixels")
            for value in ("inf", "3e18", "nan")
        ),
    ],
)
def test_numbers_beyond_all_bounds(regard: Regard, arguments: list[str]) -> None:
    ran = regard(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert f"Invalid value for '{arguments[-2]}'" in ran.err


def test_evaluate_without_data_asks_for_some(regard: Regard, model: Path) -> None:
    assert "--data FILE" in regard("evaluate", model).err


def test_data_that_is_not_there_is_named_as_it_was_given(
    regard: Regard, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("en.txt").write_text("The cat.\n")
    for command in ("evaluate", "heads"):
        for source, target, told in (
            ("en.txt", "nope", "--target nope: there is no such file"),
            ("nope", "en.txt", "--source nope: there is no such file"),
            ("en.txt", ".", "--target .: is a folder"),
        ):
            ran = regard(command, model, "--source", source, "--target", target)
            assert (ran.code, ran.err.splitlines()[-1]) == (2, f"regard: {told}")
    assert "regard: nope.tsv: there is no such file" in regard("evaluate", model, "--data", "nope.tsv").err
    assert "mnist: is a set of pictures, not of text; there are multi30k," in (
        regard("evaluate", model, "--data", "mnist").err
    )


def test_evaluate_a_language_model_and_a_classifier(
    regard: Regard, language_model: Path, classifier: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.txt").write_text("The cat sat on the mat.\n" * 9)
    found = json.loads(regard("evaluate", language_model, "--data", tmp_path / "text.txt", "--json").out)
    assert found["perplexity"] > 1
    (tmp_path / "labelled.tsv").write_text("good\tThe cat.\nbad\tThe dog.\n")
    found = json.loads(regard("evaluate", classifier, "--data", tmp_path / "labelled.tsv", "--json").out)
    assert (found["texts"], found["accuracy"] in (0, 0.5, 1)) == (2, True)
    (strange := tmp_path / "strange.tsv").write_text("good\tThe dog.\nugly\tThe cat.\n")
    told = f"{strange}, line 2: label 'ugly' is not one of 'good', 'bad'"
    assert told in regard("evaluate", classifier, "--data", strange).err
    assert "for translators" in regard("evaluate", classifier, "--source", "a", "--target", "b").err


def test_data(regard: Regard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA", str(tmp_path))
    monkeypatch.setenv("REGARD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "multi30k").mkdir()
    (tmp_path / "tatoeba-en-fr").mkdir()
    (tmp_path / "tatoeba-en-fr" / "pairs.tsv.gz").write_bytes(gzip.compress(b"Go.\tVa !\n"))
    listed = {row["name"]: row for row in json.loads(regard("data", "list", "--json").out)}
    assert [name for name, row in listed.items() if row["here"] and name != "digits"] == ["tatoeba-en-fr"]
    rows = regard("data", "list").out.splitlines()
    assert [row.split()[0] for row in rows[1:]] == list(listed)  # a row is a line, in a pipe
    assert all(listed[row.split()[0]]["about"] in row for row in rows[1:])
    assert regard("data", "path", "tatoeba-en-fr").out == f"{tmp_path / 'tatoeba-en-fr'}\n"
    assert regard("data", "path", "multi30k").out == f"{tmp_path / 'cache' / 'multi30k'}\n"


def test_doctor_prints_the_table_of_kernels(regard: Regard) -> None:
    from regard.attention.kernels import table

    ran = regard("doctor")
    assert ran.code == 0
    assert "Attention kernels" in ran.out
    assert "[queries × keys × hidden]" in " ".join(ran.out.split())  # brackets are not markup
    assert all(line == line.rstrip() for line in ran.out.splitlines())
    found = json.loads(regard("doctor", "--json").out)
    assert found["machine"]["torch"]
    assert {row["kernel"] for row in found["kernels"]} <= set(table.KERNELS)


def test_generate(regard: Regard, language_model: Path) -> None:
    drawn = [
        regard("generate", language_model, "The", "--length", 5, "--top-k", 3, "--seed", 4).out for _ in "ab"
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0].startswith("The")
    ran = regard("generate", language_model, "The cat", "--length", 3, "--beam", 2, "--json")
    assert json.loads(ran.out)["text"].startswith("The cat")
    shown = regard("generate", language_model, "The cat", "--length", 3, "--look").out
    assert "decoder.1.self" in shown
    row = regard("generate", language_model, "The cat", "--length", 3, "--word", "cat").out
    assert "What 'cat' attended to" in row
    refused = regard("generate", language_model, "The", "--length", 3, "--head", 9)
    assert (refused.code, refused.out) == (2, "")
    assert "head 9" in refused.err


def test_classify(regard: Regard, classifier: Path) -> None:
    label, probability = regard("classify", classifier, "The cat.").out.split("\t")
    assert label in ("good", "bad")
    assert 0.5 <= float(probability) <= 1
    found = json.loads(regard("classify", classifier, "The cat.", "--json").out)
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert "[CLS]" in regard("classify", classifier, "The cat.", "--look").out
    assert "[CLS]" in regard("classify", classifier, "The cat.", "--subwords").out
    assert "text is empty" in regard("classify", classifier, " ", "--look").err
    assert "--look shows one text" in regard("classify", classifier, "--head", 0).err


def test_a_text_that_is_cut_is_told_and_what_libraries_warn_of_is_not(
    regard: Regard, classifier: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    long = "cat " * 2000
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert "regard: warning: a text of" in regard("classify", classifier, long).err
        regard_shows = warnings.showwarning
    regard_shows("a library's own affairs", UserWarning, "torch.py", 1)
    assert capfd.readouterr().err == ""


def test_look_attention(regard: Regard, model: Path, tmp_path: Path) -> None:
    names = regard("look", "attention", model, "The cat sat.", "--names").out.split()
    assert names[:2] == ["encoder.0.self", "encoder.1.self"]
    assert regard("look", "attention", model, "--names").out.split() == names
    for text in (" ", "\u200b"):
        assert "text is empty" in regard("look", "attention", "no-model", text).err
    ran = regard("look", "attention", model, "The cat sat.", "--at", "encoder.*", "--word", "cat")
    assert [line.split()[0] for line in ran.out.splitlines() if line][2::4] == ["cat", "cat"]
    assert ran.out.count("faithfulness: not measurable, its rows are no answers") == 2
    heads = tmp_path / "heads.svg"
    assert regard("look", "attention", model, "The cat.", "--at", "encoder.0.*", "--heads", heads).code == 0
    assert heads.exists()
    ran = regard("look", "attention", model, "The cat.", "--at", "encoder.*", "--heads", tmp_path / "b.png")
    assert (ran.code, "--heads draws one place and 2 are meant" in ran.err) == (2, True)


def test_look_positions(regard: Regard, model: Path, bottleneck: Path, tmp_path: Path) -> None:
    out = tmp_path / "positions.png"
    assert regard("look", "positions", model, out, "--length", 20).code == 0
    assert out.exists()
    assert "--force" in regard("look", "positions", model, out).err
    assert "no positional encoding" in regard("look", "positions", bottleneck, tmp_path / "p.png").err


def test_look_neighbours(regard: Regard, model: Path, language_model: Path) -> None:
    found = json.loads(regard("look", "neighbours", model, "cat", "--count", 3, "--json").out)
    assert len(found) == 3
    assert found[0]["cosine"] >= found[1]["cosine"]
    assert regard("look", "neighbours", language_model, "cat").code == 0
    assert "not in this model's vocabulary" in regard("look", "neighbours", model, "cats").err
    assert "cat. is 2 tokens" in regard("look", "neighbours", model, "cat.").err
    for nothing in ("", " ", "the cat"):
        assert "one word" in regard("look", "neighbours", "no-model", nothing).err
    assert "source and target" in regard("look", "neighbours", model, "cat", "--side", "left").err


def test_look_embeddings(regard: Regard, model: Path, classifier: Path, tmp_path: Path) -> None:
    out = tmp_path / "words.svg"
    assert "not in this" in regard("look", "embeddings", model, out, "--words", "cat birds mat").err
    assert regard("look", "embeddings", model, out, "--words", "cat dog mat").code == 0
    assert out.exists()
    assert regard("look", "embeddings", classifier, tmp_path / "c.png").code == 0
    assert "two words" in regard("look", "embeddings", model, tmp_path / "d.png", "--words", "cat").err


def test_embeddings_before_training_are_those_that_training_began_with(model: Path) -> None:
    import torch

    from regard import load

    predictor = load(model)  # its weights were never trained
    before = torch.random.get_rng_state()
    for side in ("source", "target"):
        tokenizer, vectors = predictor.embedding(side)
        torch.testing.assert_close(predictor.untrained().embedding(side)[1], vectors)
        assert len(vectors) == tokenizer.size
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_began_from_another_model_is_drawn_as_it_is_now(
    regard: Regard, model: Path, tmp_path: Path
) -> None:
    from regard import load
    from regard.tasks import save_model

    tuned = load(model)
    save_model(
        tmp_path / "tuned",
        model=tuned.model,
        recipe=tuned.recipe.model_copy(update={"start": "en-fr"}),
        tokenizers=tuned.vocabularies.named(),
        metrics={},
        card="# A model\n",
    )
    ran = regard("look", "embeddings", tmp_path / "tuned", tmp_path / "words.png")
    assert (ran.code, "Training began from en-fr" in ran.err) == (0, True)


def test_every_task_has_an_embedding_from_before_training(language_model: Path, classifier: Path) -> None:
    import torch

    from regard import load

    for folder in (language_model, classifier):
        predictor = load(folder)
        (tokenizer, vectors), (_, before) = predictor.embedding(), predictor.untrained().embedding()
        assert before.shape == vectors.shape
        assert len(vectors) == tokenizer.size
        assert torch.equal(before, predictor.untrained().embedding()[1])

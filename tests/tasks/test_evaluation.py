"""Scores, and the text tasks other than translation."""

import json
import math
from pathlib import Path

import pytest
import torch
from toy_pairs import sentences

import regard
from regard import UserError
from regard.data.held_out import position
from regard.data.images.config import ImageDataConfig
from regard.data.text import DataConfig, FilterConfig, MoreConfig, Tokenizer, TokenizerConfig, grouped
from regard.data.text.pairs import Pair
from regard.decoding.hypothesis import Hypothesis
from regard.tasks import evaluate, parse_recipe, train
from regard.tasks.images.evaluation import data_of as image_data_of
from regard.tasks.text.classification import ClassificationTask
from regard.tasks.text.classifier import Classifier, new_model
from regard.tasks.text.evaluation import data_of
from regard.tasks.text.generator import Generator
from regard.tasks.text.moses import moses_tokens
from regard.tasks.text.translation_figures import bleu_by_length, score, translation_figures


def test_all_references_count():
    hypotheses = ["the cat sat on the mat .", "a dog ran home today"]
    references = [["a cat was there .", "the cat sat on the mat ."], ["a dog ran home today"]]
    figures = score(hypotheses, references)
    assert figures["bleu"] == pytest.approx(100)
    assert figures["bleu_one_reference"] < 60
    assert "nrefs:var" in figures["signatures"]["bleu"]
    assert "nrefs:1" in figures["signatures"]["bleu_one_reference"]


def test_bleu_of_papers_is_lowercased_and_has_a_signature():
    figures = score(["L'Homme voit le chat."], [["l'homme voit le chat."]], "fr")
    assert figures["bleu_papers"] == pytest.approx(100)
    assert figures["bleu"] < 100
    assert "case:lc" in figures["signatures"]["bleu_papers"]
    assert figures["signatures"]["bleu_papers"].endswith("|lang:fr")


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("fr", "Aujourd'hui, l'été est « là » !", "Aujourd' hui , l' été est \" là \" !"),
        (
            "en",
            "Don't pay $3.50, it's 'free' (U.S. only)...",
            "Don 't pay $ 3.50 , it 's ' free ' ( U.S. only ) ...",
        ),
        ("de", "Ein 3,5-jähriger Hund; das war's.", "Ein 3,5-jähriger Hund ; das war ' s ."),
        ("en", "a_b 1990's", "a _ b 1990 's"),
        ("en", "see DOTS3 here.. Now...then", "see DOTS3 here .. Now ... then"),
    ],
)
def test_moses_tokens(language, text, tokens):
    assert moses_tokens(text, language) == tokens


def test_by_length():
    figures = bleu_by_length(["a b c d", "x " * 40], ["e f g h", "q"], [["e f g h"], ["p"]])
    assert figures == {
        "5": {"bleu": pytest.approx(100), "sentences": 1},
        "more": {"bleu": 0.0, "sentences": 1},
    }


def test_evaluating_a_translator(model_folder):
    translator = regard.load(model_folder)
    data = grouped(Pair(*pair) for pair in sentences()[:12])
    figures = translation_figures(translator, data, beam=1)
    assert figures["sentences"] == 12
    assert figures["perplexity"] == pytest.approx(torch.tensor(figures["loss"]).exp().item(), rel=1e-3)
    assert {"bleu", "chrf", "bleu_lowercased", "tokens_per_second", "by_length"} < set(figures)
    with pytest.raises(UserError, match="nothing to evaluate"):
        translation_figures(translator, [])


SMALL = """
[model]
width = 16
layers = 1
heads = 2
[training]
updates = 30
tokens = 256
learning_rate = 0.02
validate_every = 15
precision = "fp32"
"""


def language_model(folder, *overrides):
    """A model of the toy sentences, tested on them."""
    text = folder / "text.txt"
    text.write_text("".join(f"{a}\n" for a, _ in sentences()), encoding="utf-8")
    (folder / "lm.toml").write_text(
        f'task = "language-modelling"\n[data]\ntrain = "{text}"\ntest = "{text}"\nfilters.max_length = 32\n'
        f"[tokenizer]\nvocabulary = 280\n{SMALL}",
        encoding="utf-8",
    )
    return train(folder / "lm.toml", folder / "m", overrides=overrides)


def test_a_language_model_from_end_to_end(tmp_path):
    folder = language_model(tmp_path)
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["test"]["perplexity"] < 100
    generator = regard.load(folder)
    made = generator("one red", length=5, beam=1)
    assert made.text == "one red" + made.continuation
    assert len(made.tokens) <= made.prompt_tokens + 5
    assert made.attention["decoder.0.self"].weights.shape == (2, len(made.tokens), len(made.tokens))
    assert generator(["one", ""], length=3, sample=True) == generator(["one", ""], length=3, sample=True)
    assert len(generator("one", length=3, beam=2, n_best=2).others) == 1
    with pytest.raises(UserError, match="do not fit"):
        generator("one red cat " * 20)
    with pytest.raises(UserError, match="1 or more"):
        generator("one", length=0)


def test_documents_apart_end_to_end(tmp_path):
    """What stands before a document in its block is nothing to it, in training and in evaluation."""
    folder = language_model(tmp_path, "data.documents=apart")
    stored = json.loads((folder / "metrics.json").read_text("utf-8"))["test"]["loss"]
    generator = regard.load(folder)
    assert evaluate(generator)["loss"] == pytest.approx(stored, rel=1e-4)
    joined = generator.recipe.data.model_copy(update={"documents": "joined"})
    generator.recipe = generator.recipe.model_copy(update={"data": joined})
    assert evaluate(generator)["loss"] != pytest.approx(stored, rel=1e-4)


def test_what_is_added_comes_behind_the_prompt(tmp_path):
    recipe = parse_recipe({"task": "language-modelling", "data": {"train": "text.txt"}})
    generator = Generator(
        None,
        Tokenizer.train(["hi there"] * 9, recipe.tokenizer.model_copy(update={"vocabulary": 275})),
        recipe,
    )
    tokenizer = generator.tokenizer
    stray = tokenizer.encode("é")[-2]
    for prompt in ("hi 🙂", "hi", "", " "):
        made = generator._generation(
            [tokenizer.bos, *tokenizer.encode(prompt)], Hypothesis([stray, *tokenizer.encode("hi")], 0.0, 0.0)
        )
        assert (made.text, made.continuation) == (f"{prompt}� hi", "� hi")


def test_a_label_of_the_test_that_training_does_not_have_is_told_before_training(tmp_path):
    (tmp_path / "train.tsv").write_text("en\tone red cat.\nfr\tun rouge chat.\n" * 9, encoding="utf-8")
    (tmp_path / "test.jsonl").write_text(
        '{"label": "en", "text": "a"}\n{"label": "", "text": "b"}\n{"label": "de", "text": "c"}\n'
    )
    (tmp_path / "c.toml").write_text(
        f'task = "text-classification"\n[data]\ntrain = "{tmp_path / "train.tsv"}"\n'
        f'test = "{tmp_path / "test.jsonl"}"\n'
    )
    with pytest.raises(UserError, match=r"test\.jsonl, line 3: label 'de' is not one of 'en', 'fr'"):
        train(tmp_path / "c.toml", tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_rare_label_may_be_held_out(tmp_path):
    held = next(text for text in map("rare {}".format, range(1000)) if position(text) < 0.05)
    rows = [f"{'ab'[row % 2]}\ttext {row}\n" for row in range(60)]
    (tmp_path / "rows.tsv").write_text("".join([*rows, f"rare\t{held}\n", "\tno label\n"]), encoding="utf-8")
    table = {"task": "text-classification", "data": {"train": str(tmp_path / "rows.tsv")}}
    task = ClassificationTask.prepare(parse_recipe({**table, "tokenizer": {"kind": "word"}}), tmp_path / "m")
    assert task.labels.names == ("a", "b", "rare")
    assert task.build().output.out_features == 3


@pytest.fixture
def short_classifier(tmp_path):
    """Reads four words; its recipe's own test file has a text of five."""
    rows = ["a\tone two three four\n", "b\tone\n", "a\tone two three four five\n"]
    (tmp_path / "test.tsv").write_text("".join(rows), encoding="utf-8")
    data = {"train": "train.tsv", "test": str(tmp_path / "test.tsv"), "filters": {"max_length": 4}}
    model = {"width": 16, "layers": 1, "heads": 2}
    recipe = parse_recipe({"task": "text-classification", "data": data, "model": model})
    tokenizer = Tokenizer.train(["one two three four five"] * 3, TokenizerConfig(kind="word"))
    torch.manual_seed(0)
    return Classifier(new_model(recipe, tokenizer, "ab").eval(), tokenizer, "ab", recipe)


def test_a_text_that_is_too_long_is_evaluated_as_it_is_classified(short_classifier, tmp_path):
    figures = evaluate(short_classifier)
    with pytest.warns(UserWarning, match="only its beginning"):
        found = short_classifier(["one two three four", "one", "one two three four five"])
    right = [one.label == label for one, label in zip(found, "aba", strict=True)]
    assert (figures["texts"], figures["accuracy"]) == (3, pytest.approx(sum(right) / 3))
    loss = -sum(math.log(one.probabilities[label]) for one, label in zip(found, "aba", strict=True)) / 3
    assert figures["loss"] == pytest.approx(loss, rel=1e-4)
    # The same file, named by hand, is read as the recipe says.
    assert evaluate(short_classifier, tmp_path / "test.tsv") == figures


def test_other_data_is_read_as_the_recipe_says(tmp_path):
    (tmp_path / "other.tsv").write_text("one\tun\n", encoding="utf-8")
    filters = FilterConfig(max_length=7)
    of_files = DataConfig(train="a.tsv", validation="b.tsv", source=2, target=3, filters=filters)
    file = data_of(of_files, tmp_path / "other.tsv", "test")
    assert file == of_files.model_copy(
        update={"train": tmp_path / "other.tsv", "validation": None, "test": tmp_path / "other.tsv"}
    )
    named = data_of(of_files, "multi30k", "test")
    assert named == DataConfig(name="multi30k", filters=filters)
    of_sets = DataConfig(name="tatoeba-en-fr", source="fr", target="en", casual=0.5, filters=filters)
    assert data_of(of_sets, "multi30k", "test") == of_sets.model_copy(update={"name": "multi30k"})
    assert data_of(of_sets, tmp_path / "other.tsv", "test").source is None
    # What was learnt beside a set, of which the file may be gone, is no part of what is evaluated on.
    beside = of_sets.model_copy(update={"more": MoreConfig(train="gone.tsv")})
    assert data_of(beside, None, "train") == data_of(beside, "tatoeba-en-fr", "train") == of_sets
    assert data_of(beside, tmp_path / "other.tsv", "test").more is None


def test_a_classifier_from_end_to_end(tmp_path):
    rows = [
        f"{label}\t{text}\n" for pair in sentences() for label, text in zip(("en", "fr"), pair, strict=True)
    ]
    file = tmp_path / "labelled.tsv"
    file.write_text("".join(rows), encoding="utf-8")
    (tmp_path / "c.toml").write_text(
        f'task = "text-classification"\n[data]\ntrain = "{file}"\ntest = "{file}"\nfilters.max_length = 32\n'
        f'[tokenizer]\nvocabulary = 290\n{SMALL}metric = "accuracy"\n',
        encoding="utf-8",
    )
    folder = train(tmp_path / "c.toml", tmp_path / "m")
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert metrics["classes"] == ["en", "fr"]
    assert metrics["test"]["accuracy"] > 0.9
    classifier = regard.load(folder)
    english, french = classifier(["one red cat.", "un rouge chat."])
    assert (english.label, french.label) == ("en", "fr")
    assert sum(english.probabilities.values()) == pytest.approx(1)
    assert english.attention["encoder.0.self"].weights.shape[1] == len(english.tokens)
    with pytest.warns(UserWarning, match="only its beginning"):
        classifier("one red cat " * 40)


def test_a_prompt_is_continued_as_far_beside_others_as_alone(tmp_path):
    generator = regard.load(language_model(tmp_path))
    long = "one red cat sees two"
    alone = [generator(prompt, beam=1) for prompt in ("one", long)]
    assert generator(["one", long], beam=1) == alone
    with pytest.raises(UserError, match=r"a model for language-modelling is not evaluated so: .*'beam'"):
        evaluate(generator, beam=2)


def test_a_language_model_that_reads_one_token_is_refused(tmp_path):
    with pytest.raises(UserError, match="reads 2 tokens or more"):
        language_model(tmp_path, "data.filters.max_length=1")


def test_blank_pairs_are_not_evaluated(model_folder, tmp_path):
    rows = [f"{source}\t{target}\n" for source, target in sentences()[:20]]
    (tmp_path / "plain.tsv").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "gaps.tsv").write_text("".join([*rows, "\t\n", "one cat.\t \n"]), encoding="utf-8")
    translator = regard.load(model_folder)
    plain, gaps = (evaluate(translator, tmp_path / f"{name}.tsv") for name in ("plain", "gaps"))
    for key in ("sentences", "loss", "bleu"):
        assert plain[key] == gaps[key]


def test_a_folder_that_is_called_as_a_set_does_not_hide_it(tmp_path, monkeypatch):
    (tmp_path / "multi30k").mkdir()
    monkeypatch.chdir(tmp_path)
    assert data_of(DataConfig(train="a.tsv"), "multi30k", "test").name == "multi30k"
    assert image_data_of(ImageDataConfig(train=Path("a")), "multi30k", "test").name == "multi30k"
    assert image_data_of(ImageDataConfig(train=Path("a")), "./multi30k", "test").test == Path("multi30k")
    with pytest.raises(UserError, match=r"there is no such file|is a folder"):
        data_of(DataConfig(train="a.tsv"), "./multi30k", "test")


def test_who_waits_for_figures_is_told_how_far_they_are(model_folder, short_classifier, tmp_path):
    rows = [f"{source}\t{target}\n" for source, target in sentences()[:20]]
    (tmp_path / "pairs.tsv").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "lm").mkdir()
    for predictor, data in (
        (regard.load(model_folder), tmp_path / "pairs.tsv"),
        (regard.load(language_model(tmp_path / "lm")), None),
        (short_classifier, None),
    ):
        told = []
        evaluate(predictor, data, each=lambda done, of, told=told: told.append((done, of)))
        done, of = told[-1]
        assert done == of > 0
        assert [one for one, _ in told] == sorted(one for one, _ in told)

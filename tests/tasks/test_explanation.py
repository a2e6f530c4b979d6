"""Explaining answers: the right rows, gradients of the right thing, nothing left behind."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import regard
from regard.data.text import Tokenizer
from regard.errors import UserError
from regard.lens.relevance import Step, relevance
from regard.models.images.build import build_image_classifier
from regard.tasks import parse_recipe
from regard.tasks.explanation import METHODS, compared
from regard.tasks.images.classifier import ImageClassifier
from regard.tasks.text import classifier as text_classifier
from regard.tasks.text import generator as text_generator
from regard.tasks.text import translator as text_translator
from regard.tasks.text.vocabularies import Vocabularies

PAIRS = [("The cat sat on the mat.", "Le chat est sur le tapis."), ("How are you?", "Comment vas-tu ?")] * 4


def recipe(task: str, **model: Any) -> Any:
    return parse_recipe(
        {
            "task": task,
            "data": {"train": "pairs.tsv"},
            "tokenizer": {"kind": "word", "min_frequency": 1},
            "model": {"width": 16, "layers": 2, "heads": 2, **model},
            "decoding": {"max_extra": 4, "max_ratio": 1.0, "beam": 1},
        }
    )


def translation(**model: Any) -> Any:
    described = recipe("translation", **model)
    vocabularies = Vocabularies.train(PAIRS, described.tokenizer)
    torch.manual_seed(1)
    built = text_translator.new_model(described, vocabularies).eval()
    return text_translator.Translator(built, vocabularies, described)("The cat sat on the mat.", split=False)


def generation() -> Any:
    described = recipe("language-modelling")
    tokenizer = Tokenizer.train((source for source, _ in PAIRS), described.tokenizer)
    torch.manual_seed(1)
    built = text_generator.new_model(described, tokenizer).eval()
    return text_generator.Generator(built, tokenizer, described)("The cat sat", length=4)


def classification(**model: Any) -> Any:
    described = recipe("text-classification", **model)
    tokenizer = Tokenizer.train((source for source, _ in PAIRS), described.tokenizer)
    torch.manual_seed(1)
    built = text_classifier.new_model(described, tokenizer, ["good", "bad"]).eval()
    return text_classifier.Classifier(built, tokenizer, ["good", "bad"], described)("The cat sat on the mat.")


def picture(**model: Any) -> Any:
    described = parse_recipe(
        {
            "task": "image-classification",
            "data": {"train": "folder", "channels": "grey"},
            "model": {"network": "vit", "width": 16, "layers": 2, "heads": 2, "patch": 4, **model},
        }
    )
    torch.manual_seed(1)
    built = build_image_classifier(described.model, 1, 3, (8, 12), [0.5], [0.2]).eval()  # type: ignore[attr-defined]
    made = ImageClassifier(built, ["a", "b", "c"], (8, 12), described)  # type: ignore[arg-type]
    image = torch.rand(8, 12, 1, generator=torch.Generator().manual_seed(3))
    return made(image.numpy())


RESULTS = {
    "translation": translation,
    "generation": generation,
    "classification": classification,
    "class token": lambda: picture(pooling="class", registers=1),
    "mean": lambda: picture(pooling="mean"),
    "one look": lambda: picture(pooling="sequence", registers=2),
}


@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_every_answer(kind: str, method: Any) -> None:
    found = regard.explain(RESULTS[kind](), method)
    assert found.maps
    assert list(found.faithfulness) == list(found.maps)
    for name, seen in found.maps.items():
        assert name.startswith(method)
        assert float(seen.weights.min()) >= 0
        total = seen.weights.sum(-1)
        assert bool((((total - 1).abs() < 1e-5) | (total == 0)).all())
        assert float(total.max()) > 0.5
        assert 0 < found.faithfulness[name].methods[method].deletion_area < 1


def test_axes_are_the_answer_and_what_it_comes_from() -> None:
    result = translation()
    maps = regard.explain(result).maps
    assert list(maps) == ["relevance.cross", "relevance.self"]
    assert maps["relevance.cross"].query_axis.labels[-1] == "</s>"
    assert len(maps["relevance.cross"].query_axis) == len(result.tokens)
    assert len(maps["relevance.cross"].key_axis) == len(result.source_tokens)
    assert maps["relevance.self"].key_axis.labels[0] == "<s>"
    assert not maps["relevance.self"].weights.triu(1).any()  # nothing comes from what was written later
    added = generation()
    [seen] = regard.explain(added).maps.values()
    assert len(seen.query_axis) == len(added.tokens) - added.prompt_tokens
    assert not seen.weights[0].triu(added.prompt_tokens).any()


def test_the_attention_of_the_last_layer_is_that_which_is_looked_at() -> None:
    result = translation()
    seen = regard.explain(result, "attention").maps["attention.cross"]
    torch.testing.assert_close(seen.weights[0], result.attention["decoder.1.cross"].mean())
    read = classification()
    seen = regard.explain(read, "attention").maps["attention.self"]
    torch.testing.assert_close(seen.weights[0, 0], read.attention["encoder.1.self"].mean()[0])


def test_all_tokens_at_once_are_explained_as_each_by_itself() -> None:
    """One batch with a row for each token gives what a backward for each token gives."""
    result = translation()
    answer = result.answer()
    found = regard.explain(result).maps["relevance.cross"].weights[0]
    for token in (0, len(answer.said) - 1):
        with regard.look(answer.model, keep="gradients") as seen:
            answer.scores([token])[0].backward()
        steps: list[Step] = answer.steps(dict(seen))
        across = relevance([Step(one.looks, one.at, one.weights, one.gradient[0]) for one in steps]).across  # type: ignore[index]
        assert across is not None
        torch.testing.assert_close(found[token], across[token] / across[token].sum(), rtol=1e-4, atol=1e-5)
    assert sorted({(one.looks, one.at) for one in steps}) == [
        ("source", "source"), ("target", "source"), ("target", "target")
    ]  # fmt: skip


def test_explaining_leaves_the_model_as_it_was() -> None:
    result = translation()
    model = result.answer().model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    regard.explain(result, "relevance")
    assert all(one.grad is None for one in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_frozen_model_is_explained_and_stays_frozen() -> None:
    result = translation()
    model = result.answer().model
    expected = regard.explain(result, "relevance").maps["relevance.cross"].weights
    model.requires_grad_(False)
    found = regard.explain(result, "relevance").maps["relevance.cross"].weights
    assert torch.equal(found, expected)
    assert not any(weight.requires_grad for weight in model.parameters())


def gone_of(answer: Any) -> torch.Tensor:
    return torch.zeros(2, len(answer.read["source"]), dtype=torch.bool)


@pytest.mark.parametrize("kind", RESULTS)
def test_with_nothing_gone_the_answer_is_as_probable_as_it_was(kind: str) -> None:
    result = RESULTS[kind]()
    answer = result.answer()
    for side, axis in answer.read.items():
        gone = torch.zeros(2, len(axis), dtype=torch.bool)
        gone[1] = answer.parts(side).any(0)
        asked = torch.ones(2, len(answer.said), dtype=torch.bool)
        intact, without = answer.ask(side, gone, asked)
        with torch.no_grad():
            odds = answer.scores(range(len(answer.said)))
        torch.testing.assert_close(intact, odds.sigmoid(), rtol=1e-4, atol=1e-5)
        assert not torch.allclose(intact, without)
    if hasattr(result, "probabilities"):
        assert float(intact[0]) == pytest.approx(next(iter(result.probabilities.values())), abs=1e-5)
    elif hasattr(result, "n_best"):
        best = result.n_best[0].log_probability
        assert float(answer.ask("source", gone_of(answer), asked)[0].log().sum()) == pytest.approx(
            best, abs=1e-3
        )


def test_taken_away_is_as_never_written() -> None:
    """Without a token of the source, the translation is as probable as of the shorter source."""
    answer = translation().answer()
    gone = torch.zeros(1, len(answer.read["source"]), dtype=torch.bool)
    gone[0, 1] = True
    found = answer.ask("source", gone, torch.ones(1, len(answer.said), dtype=torch.bool))[0]
    shorter = type(answer)(
        answer.model, VOCABULARIES(), [answer.source[0], *answer.source[2:]], answer.target
    )
    with torch.no_grad():
        torch.testing.assert_close(found, shorter.scores(range(len(found))).sigmoid(), rtol=1e-4, atol=1e-6)


def VOCABULARIES() -> Vocabularies:  # noqa: N802
    return Vocabularies.train(PAIRS, recipe("translation").tokenizer)


def test_recurrent_networks_have_attention_and_gradients_only() -> None:
    for model in ({"decoder": "gru"}, {"encoder": "lstm", "decoder": "lstm", "wiring": "bahdanau"}):
        result = translation(**model)
        for method in ("attention", "gradient"):
            found = regard.explain(result, method)  # type: ignore[arg-type]
            assert list(found.maps) == [f"{method}.cross"]
            assert float(found.maps[f"{method}.cross"].weights.sum()) > 0
        for method in ("rollout", "flow", "relevance"):
            with pytest.raises(ValueError, match="in a recurrent network states know of each other"):
                regard.explain(result, method)  # type: ignore[arg-type]
        assert list(compared(result).methods) == ["attention", "gradient"]


def test_methods_are_compared_on_one_answer() -> None:
    found = compared(translation(), ["attention", "flow"])
    assert list(found.methods) == ["attention", "flow"]
    assert len(found.random) == 8
    assert list(compared(classification()).methods) == ["attention", "rollout", "gradient", "relevance"]


def test_what_cannot_be_explained_is_told() -> None:
    with pytest.raises(ValueError, match="method 'x': there are attention"):
        regard.explain(translation(), "x")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="no attention"):
        regard.explain(classification(encoder="gru"))
    with pytest.raises(UserError, match="no attention"):
        regard.explain(translation(encoder="gru", decoder="gru", attention="none"))
    with pytest.raises(UserError, match="decoder has no attention"):
        regard.explain(translation(decoder="gru", attention="none"))  # its encoder has

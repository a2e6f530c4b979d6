"""Small models with random weights, in model folders, and a way to run commands."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tiny_foreign
import torch

from regard.cli import main

PAIRS = [
    ("The cat sat on the mat.", "Le chat s'est assis sur le tapis."),
    ("The dog saw the cat.", "Le chien a vu le chat."),
    ("How are you?", "Comment allez-vous ?"),
] * 4


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Regard = Callable[..., Ran]


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small model of Hugging Face, as commands name it."""
    return f"hf:{tiny_foreign.bert(tmp_path_factory.mktemp('bert'))}"


@pytest.fixture(scope="session")
def vit(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small Vision Transformer of Hugging Face."""
    return f"hf:{tiny_foreign.vit(tmp_path_factory.mktemp('vit'))}"


@pytest.fixture
def regard(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Regard]:
    """Runs a command in this process."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setenv("COLUMNS", "80")
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object) -> Ran:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A translator."""
    from regard.tasks.text.translator import new_model
    from regard.tasks.text.vocabularies import Vocabularies

    recipe = _recipe("translation")
    vocabularies = Vocabularies.train(PAIRS, recipe.tokenizer)
    torch.manual_seed(recipe.seed)
    built = new_model(recipe, vocabularies)
    return _saved(tmp_path_factory, "translator", built, recipe, vocabularies.named(), {})


@pytest.fixture(scope="session")
def bottleneck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A translator without attention or positions."""
    from regard.tasks.text.translator import new_model
    from regard.tasks.text.vocabularies import Vocabularies

    recipe = _recipe("translation", encoder="gru", decoder="gru", attention="none")
    vocabularies = Vocabularies.train(PAIRS, recipe.tokenizer)
    torch.manual_seed(recipe.seed)
    built = new_model(recipe, vocabularies)
    return _saved(tmp_path_factory, "bottleneck", built, recipe, vocabularies.named(), {})


@pytest.fixture(scope="session")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator."""
    from regard.data.text import Tokenizer
    from regard.tasks.text.generator import new_model

    recipe = _recipe("language-modelling")
    tokenizer = Tokenizer.train((source for source, _ in PAIRS), recipe.tokenizer)
    torch.manual_seed(recipe.seed)
    return _saved(tmp_path_factory, "lm", new_model(recipe, tokenizer), recipe, {"": tokenizer}, {})


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of two classes."""
    from regard.data.text import Tokenizer
    from regard.tasks.text.classifier import new_model

    recipe, classes = _recipe("text-classification"), ["good", "bad"]
    tokenizer = Tokenizer.train((source for source, _ in PAIRS), recipe.tokenizer)
    torch.manual_seed(recipe.seed)
    built = new_model(recipe, tokenizer, classes)
    return _saved(tmp_path_factory, "classifier", built, recipe, {"": tokenizer}, {"classes": classes})


def _recipe(task: str, **model: Any) -> Any:
    from regard.tasks import parse_recipe

    return parse_recipe(
        {
            "task": task,
            "data": {"train": "pairs.tsv"},
            "tokenizer": {"kind": "word", "min_frequency": 1},
            "model": {"width": 16, "layers": 2, "heads": 2, **model},
            "decoding": {"max_extra": 4, "max_ratio": 1.0},
        }
    )


def _saved(
    factory: pytest.TempPathFactory,
    name: str,
    model: Any,
    recipe: Any,
    tokenizers: Any,
    metrics: dict[str, Any],
) -> Path:
    from regard.tasks import save_model

    folder = factory.mktemp(name)
    save_model(folder, model=model, recipe=recipe, tokenizers=tokenizers, metrics=metrics, card="# A model\n")
    return folder

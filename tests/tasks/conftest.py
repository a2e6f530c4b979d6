"""A tiny translator, trained once for all tests of this folder."""

from pathlib import Path

import pytest
from toy_pairs import sentences

from regard.tasks import train

RECIPE = """
task = "translation"
[data]
train = "{train}"
[tokenizer]
vocabulary = 300
[model]
width = 16
layers = 1
heads = 2
dropout = 0.0
[training]
updates = 40
tokens = 512
learning_rate = 0.02
validate_every = 20
precision = "fp32"
[decoding]
beam = 2
"""


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    lines = [f"{source}\t{target}\n" for source, target in sentences()]
    (folder / "pairs.tsv").write_text("".join(lines), encoding="utf-8")
    (folder / "recipe.toml").write_text(RECIPE.format(train=folder / "pairs.tsv"), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def model_folder(workplace: Path) -> Path:
    return train(workplace / "recipe.toml", workplace / "model")

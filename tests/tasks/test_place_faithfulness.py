"""How faithful places are: the right one where it is known, which can be measured, and what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from test_explanation import RESULTS, translation
from torch import Tensor, nn

import regard
from regard.attention import Attention
from regard.attention.scores import ScaledDot
from regard.attention.selections import Soft
from regard.lens import Tokens, attention_places
from regard.lens.faithfulness import Area, MapFaithfulness, PlaceFigures, Unmeasured
from regard.tasks.explanation import Answer, compared, measured_places
from regard.tasks.explanation.places import answering, comparable, record_of
from regard.tasks.folder import add_metrics, load_folder
from regard.tasks.layout import ModelFolderError, shipped_models

NEEDLE, DECOY = 1, 2


class Looking(nn.Module):
    """Looks at one kind of token, and gives what share of the needle is in that."""

    def __init__(self, sought: int) -> None:
        super().__init__()
        self.cross_attention, self.sought = Attention(ScaledDot(), Soft()), sought

    def forward(self, tokens: Tensor) -> Tensor:
        def column(hit: Tensor) -> Tensor:
            return hit.float()[:, None, :, None].expand(-1, 2, -1, 4)

        query = torch.full((len(tokens), 2, 1, 4), 4.0)
        attended = self.cross_attention(query, column(tokens == self.sought), column(tokens == NEEDLE))
        return attended.context[:, 0, 0, 0]


class Search(nn.Module):
    """Says whether there is a needle. Its second place looks at decoys, and nobody listens to it."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.ModuleList([Looking(NEEDLE), Looking(DECOY)])

    def forward(self, tokens: Tensor) -> Tensor:
        first, second = (place(tokens) for place in self.decoder)
        return 6 * first - 3 + 0 * second


class Found(Answer):
    """That there is one."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self.model = Search()
        self.tokens = torch.tensor(tokens)
        self.said, self.read = Tokens(("yes",)), {"source": Tokens.of(map(str, tokens))}
        self.states = torch.ones(1, 1)

    def scores(self, answers: Sequence[int]) -> Tensor:
        return self.model(self.tokens[None])  # type: ignore[no-any-return]

    def parts(self, side: Any) -> Tensor:
        return torch.ones(1, len(self.tokens), dtype=torch.bool)

    def without(self, side: Any, gone: Tensor, asked: Tensor) -> Tensor:
        left = [self.tokens[~row] for row in gone]
        odds = [self.model(row[None])[0] if len(row) else torch.tensor(-3.0) for row in left]
        return torch.stack(odds).sigmoid()[:, None]


def test_the_place_that_the_answer_hangs_on_is_the_faithful_one() -> None:
    result = SimpleNamespace(answer=lambda: Found([0, DECOY, 0, 0, NEEDLE, 0, DECOY, 0]))
    found = measured_places(result)
    assert list(found) == ["decoder.0.cross", "decoder.1.cross"]
    right, wrong = (one.of(place) for place, one in found.items())
    assert right.deletion.own < right.deletion.random - 0.1
    assert right.insertion.own > right.insertion.random + 0.1
    assert wrong.deletion.own > right.deletion.own + 0.1
    assert wrong.insertion.own < right.insertion.own - 0.1
    assert right.deletion[1:] == wrong.deletion[1:]  # beside the same orders drawn by chance
    both = compared(result, ["attention"], at=["decoder.*"])
    assert list(both.methods) == ["attention", "decoder.0.cross", "decoder.1.cross"]
    assert both.of("decoder.0.cross").deletion == right.deletion
    torch.testing.assert_close(both.methods["attention"].deletion, both.methods["decoder.1.cross"].deletion)


MEASURED = {
    "translation": ["decoder.0.self", "decoder.0.cross", "decoder.1.self", "decoder.1.cross"],
    "generation": ["decoder.0.self", "decoder.1.self"],
    "classification": ["encoder.0.self", "encoder.1.self"],
    "class token": ["encoder.0.self", "encoder.1.self"],
    "mean": ["encoder.0.self", "encoder.1.self"],
    "one look": ["pool.cross"],
}


@pytest.mark.parametrize("kind", RESULTS)
def test_every_place_whose_rows_are_answers_is_measured(kind: str) -> None:
    found = measured_places(RESULTS[kind]())
    assert list(found) == MEASURED[kind]
    for place, one in found.items():
        assert list(one.methods) == [place]
        assert len(one.random) == 8
        assert 0 < one.of(place).deletion.own < 1


def test_the_last_place_is_the_method_that_takes_it() -> None:
    """Of every kind of answer, the rows are those that plain attention explains it by."""
    for kind, places in MEASURED.items():
        both = compared(RESULTS[kind](), ["attention"], at=[places[-1]])
        torch.testing.assert_close(*(curves.deletion for curves in both.methods.values()))


def test_recurrent_decoders_have_one_place() -> None:
    assert list(measured_places(translation(decoder="gru"))) == ["decoder.cross"]


def test_places_that_cannot_be_compared_are_told_by_why() -> None:
    places = ["encoder.0.self", "decoder.0.self", "decoder.0.cross"]
    assert comparable(places, ["*"]) == ["decoder.0.cross"]
    for pattern, why in (
        ("encoder.*", r"encoder\.0\.self: the rows are no answers of the model; compare decoder\.0\.cross"),
        ("*.self", r"decoder\.0\.self: what had been written is not the source"),
        ("x", "no attention matches 'x'"),
    ):
        with pytest.raises(ValueError, match=why):
            comparable(places, [pattern])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the classifier of digits."""
    import shutil

    return Path(shutil.copytree(shipped_models()["digits"], tmp_path / "digits"))


def test_figures_are_stored_with_the_model_in_place_of_older_ones(folder: Path) -> None:
    found = MapFaithfulness(Area(0.1, 0.2, 0.0), Area(0.3, 0.2, 0.0), 3, "mine")
    before = load_folder(folder).metrics
    for places in ({"pool.cross": found, "encoder.0.self": found}, {"pool.cross": found}):
        add_metrics(folder, record_of(PlaceFigures(places)))
    loaded = regard.load(folder)
    assert dict(loaded.faithfulness.figures) == {"pool.cross": found}
    assert loaded.faithfulness.of("encoder.0.self") is Unmeasured.NO_ANSWERS  # patches, and no class
    assert loaded.untrained().faithfulness == PlaceFigures()
    after = load_folder(folder).metrics
    assert {**before, "faithfulness": after["faithfulness"]} == after
    add_metrics(folder, {"faithfulness": {"pool.cross": 3}})
    with pytest.raises(ModelFolderError, match=r"metrics\.json: 'faithfulness' are no figures of places"):
        regard.load(folder)


@pytest.mark.parametrize("name", ["en-fr", "digits"])
def test_models_that_ship_have_figures_of_every_place_whose_rows_are_answers(name: str) -> None:
    model = regard.load(name)
    known = model.faithfulness
    assert list(known.figures) == answering(model.task, list(attention_places(model.model)))
    assert all(found.inputs >= 32 and found.data for found in known.figures.values())

"""What a map carries of how faithful it is: kept by what is made of the map, and shown by every view."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from regard.lens import (
    AttentionMap,
    PatchGrid,
    Tokens,
    heads_picture,
    join_subwords,
    panels,
    picture,
    picture_panels,
)
from regard.lens.faithfulness import Area, Curves, Faithfulness, MapFaithfulness, PlaceFigures, Unmeasured
from regard.lens.html import page
from regard.lens.on_pictures import heat_of
from regard.lens.overlay import overlay_picture

STORED = MapFaithfulness(Area(0.125, 0.301, 0.004), Area(0.42, 0.302, 0.006), 32, "Tatoeba test")
KNOWN = PlaceFigures({"decoder.0.cross": STORED}, {"encoder.0.self"})
WORDS = Tokens(("un", "able", "man"), words=(0, 0, 1))


def a_map(name: str) -> AttentionMap:
    return AttentionMap(name, torch.full((2, 3, 3), 1 / 3), WORDS, WORDS)


def test_figures_are_the_areas_of_the_curves() -> None:
    own = Curves(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 1.0]))
    chance = Curves(torch.tensor([1.0, 0.5, 0.0]), torch.tensor([0.0, 0.5, 1.0]))
    other = Curves(torch.tensor([1.0, 0.7, 0.0]), torch.tensor([0.0, 0.5, 1.0]))
    found = Faithfulness({"decoder.0.cross": own}, (chance, other), 5).of("decoder.0.cross", "texts")
    assert found.deletion == pytest.approx((0.25, 0.55, 0.0707), abs=1e-4)
    assert found.insertion == pytest.approx((0.75, 0.5, 0.0))
    assert (found.inputs, found.data) == (5, "texts")


def test_figures_go_there_and_back() -> None:
    record = json.loads(json.dumps(KNOWN.to_json()))
    assert PlaceFigures.from_json(record, {"encoder.0.self"}) == KNOWN
    for damaged in ({"a": {}}, {"a": 3}, [1], {"a": {**record["decoder.0.cross"], "deletion": {"own": 0.1}}}):
        with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
            PlaceFigures.from_json(damaged)  # type: ignore[arg-type]


def test_a_map_gets_what_is_known_of_its_place_and_keeps_it() -> None:
    cross, other, inside = KNOWN.on(
        a_map(name) for name in ("decoder.0.cross", "decoder.1.cross", "encoder.0.self")
    )
    assert cross.faithfulness == STORED
    assert other.faithfulness is Unmeasured.NOT_YET
    assert inside.faithfulness is Unmeasured.NO_ANSWERS
    assert (
        join_subwords(cross).faithfulness
        == cross.rows([1]).faithfulness
        == cross.head(1).faithfulness
        == STORED
    )
    assert KNOWN.on([a_map("decoder.0.cross").head(1)])[0].faithfulness == STORED


def test_words_say_over_what_the_mean_is_and_that_it_is_not_of_this_input() -> None:
    assert STORED.told == (
        "faithfulness of the mean of its heads, over 32 inputs (Tatoeba test) and not of this one: "
        "deleting as it says leaves 12.5 % of the answer, at random 30.1 ± 0.4 %; "
        "inserting as it says brings 42.0 % of the answer, at random 30.2 ± 0.6 %"
    )
    assert STORED.caption.split("\n")[0] == "faithfulness, mean of 32 inputs"
    mine = MapFaithfulness(STORED.deletion, STORED.insertion)
    assert mine.told.startswith("faithfulness: deleting as it says leaves 12.5 %")
    assert mine.caption.split("\n")[0] == "faithfulness of this map"
    assert Unmeasured.NOT_YET.told == "faithfulness: not measured"


def test_numbers_have_the_figure_or_the_reason() -> None:
    cross, inside = (seen.to_json() for seen in KNOWN.on([a_map("decoder.0.cross"), a_map("encoder.0.self")]))
    assert cross["faithfulness"]["deletion"] == {"own": 0.125, "random": 0.301, "spread": 0.004}
    assert "unmeasured" not in cross
    assert inside["faithfulness"] is None
    assert inside["unmeasured"] == "its rows are no answers"


def test_a_page_has_them_by_place() -> None:
    text = page(KNOWN.on([a_map("decoder.0.cross"), a_map("encoder.0.self"), a_map("decoder.1.cross")])).text
    assert text.count('"faithfulness":{"deletion":{"own":0.125,') == 1
    assert text.count('"unmeasured":"its rows are no answers"') == 1
    assert text.count('"unmeasured":"not measured"') == 1


def test_pictures_say_them_below_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []
    for module in (panels, picture_panels):
        monkeypatch.setattr(module, "write_title", lambda axes, title, **how: titles.append(title))
    [seen] = KNOWN.on([a_map("decoder.0.cross")])
    picture(seen, tmp_path / "a.png")
    assert titles == [f"decoder.0.cross · mean of 2 heads\n{STORED.caption}"]
    heads_picture(seen, tmp_path / "b.png")
    grid = PatchGrid(1, 2, (), (4, 8))
    over = AttentionMap("pool.cross", torch.ones(1, 1, 2), Tokens(("the picture",)), grid)
    overlay_picture(torch.rand(1, 4, 8), [heat_of(over)], tmp_path / "c.png")
    assert titles[-1] == "pool.cross\nfaithfulness: not measured"

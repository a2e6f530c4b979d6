"""The server tells of every map how faithful its place is, unless the model was edited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from toy_served import LIMITS, png, save_classifier, save_generator, save_translator

from regard.lens.faithfulness import Area, MapFaithfulness, PlaceFigures
from regard.server import create_app
from regard.tasks.explanation.places import record_of
from regard.tasks.folder import add_metrics

STORED = MapFaithfulness(Area(0.125, 0.3, 0.004), Area(0.4, 0.3, 0.006), 32, "some texts")
PLACES = {"toy": "decoder.1.cross", "lm": "decoder.1.self", "moods": "encoder.1.self"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Models of texts of which one place each was measured."""
    root = tmp_path_factory.mktemp("measured")
    saving = {"toy": save_translator, "lm": save_generator, "moods": save_classifier}
    folders: dict[str, Path | str] = {name: save(root / name) for name, save in saving.items()}
    for name, folder in folders.items():
        add_metrics(Path(folder), record_of(PlaceFigures({PLACES[name]: STORED})))
    with TestClient(create_app(folders, LIMITS), base_url="http://localhost") as made:
        yield made


def asked(client: TestClient, path: str, **body: Any) -> Any:
    answer = client.post(f"/api/models/{path}", json={"attention": "*", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


def check(maps: list[dict[str, Any]], place: str) -> None:
    figures = {seen["name"]: seen["faithfulness"] for seen in maps}
    assert figures.pop(place) == STORED.to_json()
    assert set(figures.values()) == {None}
    for seen in maps:
        if seen["name"] != place:
            inside = place.startswith("decoder") and seen["name"].startswith("encoder")
            assert seen["unmeasured"] == ("its rows are no answers" if inside else "not measured")


def test_maps_of_every_task_on_texts_have_it(measured: TestClient) -> None:
    check(asked(measured, "toy/translate", text="The cat sat.")["sentences"][0]["attention"], PLACES["toy"])
    check(asked(measured, "lm/generate", prompt="The cat", length=3)["attention"], PLACES["lm"])
    check(asked(measured, "moods/classify-text", text="The cat sat.")["attention"], PLACES["moods"])
    page = measured.post("/api/models/toy/translate/page", json={"text": "The cat sat. How are you?"}).text
    assert page.count('"data":"some texts"') == 2


def test_of_an_edited_model_nothing_was_measured(measured: TestClient) -> None:
    off = {"decoder.0.cross": {"heads": {"0": 0.0}}}
    [sentence] = asked(measured, "toy/translate", text="The cat sat.", edit=off)["sentences"]
    found = {seen["name"]: seen["unmeasured"] for seen in sentence["attention"]}
    assert found["decoder.1.cross"] == "not measured"
    assert found["encoder.0.self"] == "its rows are no answers"


def test_other_methods_are_not_told_the_figure_of_a_place(measured: TestClient) -> None:
    maps = asked(measured, "toy/translate", text="The cat sat.", method="relevance")["sentences"][0][
        "attention"
    ]
    assert {seen["faithfulness"] for seen in maps} == {None}


@pytest.mark.xdist_group("browser")
def test_the_page_says_it_below_the_words(visit: Callable[..., Any]) -> None:
    tab = visit()
    tab.fill("textarea", "She gave him the book.")
    tab.wait_for_selector(".flow .below .token")
    said = tab.inner_text("main")
    assert "tatoeba-en-fr test" in said
    assert "not of this input" in said
    tab.check('.controls input[aria-label="encoder self"]')
    assert "the rows are no answers of the model" in tab.inner_text("main")


@pytest.mark.xdist_group("browser")
def test_the_page_says_it_below_a_picture(visit: Callable[..., Any]) -> None:
    import numpy as np

    tab = visit("images")
    tab.check('input[aria-label^="digits · "]')
    body = png(np.random.default_rng(3).integers(0, 255, (28, 28), dtype=np.uint8))
    tab.set_input_files('input[type="file"]', {"name": "a.png", "mimeType": "image/png", "buffer": body})
    tab.wait_for_selector(".answer-room > *")
    assert "not of this input" in tab.inner_text(".answer-room")
    tab.check('.controls input[aria-label="encoder self"]')
    assert "the rows are no answers of the model" in tab.inner_text(".answer-room")

"""Translations that are sent while they are decoded, and heads that are switched off for one request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from toy_served import LIMITS

import regard
from regard.server import create_app

STREAM = "/api/models/toy/translate/stream"
TEXT = "The cat sat on the mat. The dog saw the cat."
OFF = {"decoder.1.cross": {"heads": {"0": 0, "1": 0}}, "encoder": {"heads": {"all": "uniform"}}}


def lines(client: TestClient, body: dict[str, Any], url: str = STREAM) -> list[dict[str, Any]]:
    answer = client.post(url, json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture(scope="module")
def shipped() -> Iterator[TestClient]:
    with TestClient(create_app({"en-fr": "en-fr"}, LIMITS), base_url="http://localhost") as made:
        yield made


@pytest.mark.parametrize("beam", [1, 4])
def test_drafts_come_before_their_sentence_and_change_nothing(shipped: TestClient, beam: int) -> None:
    url = "/api/models/en-fr/translate/stream"
    told = lines(shipped, {"text": TEXT, "beam": beam, "drafts": True}, url)
    assert [line for line in told if line["kind"] != "draft"] == lines(
        shipped, {"text": TEXT, "beam": beam}, url
    )
    sentences = {line["number"]: place for place, line in enumerate(told) if line["kind"] == "sentence"}
    drafts = [(place, line) for place, line in enumerate(told) if line["kind"] == "draft"]
    # Of the second sentence there may be none: it was translated while the first was waited for.
    assert any(line["number"] == 0 for _, line in drafts)
    for place, line in drafts:
        end = sentences[line["number"]]
        assert place < end
        if beam == 1:
            assert told[end]["text"].startswith(line["text"].rstrip("\ufffd"))


def test_heads_that_are_off_are_off_for_one_request(client: TestClient, folders: dict[str, Path]) -> None:
    url = "/api/models/toy/translate"
    asked = {"text": "The cat sat.", "attention": "*", "beam": 1}
    plain = client.post(url, json=asked).json()
    edited = client.post(url, json={**asked, "edit": OFF}).json()
    translator = regard.load(folders["toy"])
    heads = {"decoder.1.cross": {"heads": {0: 0.0, 1: 0.0}}, "encoder": {"heads": {"all": "uniform"}}}
    with regard.edit(translator.model, heads):
        expected = translator("The cat sat.", beam=1)
        maps = expected.attention
    assert edited["text"] == expected.text
    assert edited["score"] == pytest.approx(expected.score, abs=1e-3)
    assert edited["score"] != plain["score"]
    (sentence,) = edited["sentences"]
    assert sentence["attention"] == [seen.to_json() for seen in maps.values()]
    last = next(seen for seen in sentence["attention"] if seen["name"] == "decoder.1.cross")
    assert {weight for head in last["weights"] for row in head for weight in row} == {0.0}
    assert client.post(url, json=asked).json() == plain
    (line, _) = lines(client, {"text": "The cat sat.", "beam": 1, "edit": OFF})
    assert (line["text"], line["score"]) == (edited["text"], edited["score"])


@pytest.mark.parametrize(
    "edit",
    [
        {"decoder.7.cross": {"heads": {"0": 0}}},
        {"decoder.1.cross": {"heads": {"9": 0}}},
        {"decoder.1.cross": {"heads": {"-1": 0}}},
        {"decoder.1.cross": {"heads": {"0": -1}}},
        {"decoder.1.cross": {"heads": {"0": 1e9}}},
        {"decoder.1.cross": {"heads": {"0": "even"}}},
        {"decoder.1.cross": {"heads": {}}},
        {"decoder.1.cross": {}},
        {"": {"heads": {"0": 0}}},
        {},
        {f"decoder.{place}": {"heads": {"0": 0}} for place in range(65)},
        [],
    ],
)
def test_edits_that_cannot_be(client: TestClient, edit: Any) -> None:
    answer = client.post("/api/models/toy/translate", json={"text": "A cat.", "edit": edit})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] in ("invalid", "no_such_head")
    assert client.post("/api/models/toy/translate", json={"text": "A cat."}).status_code == 200


def test_maps_between_words(client: TestClient) -> None:
    asked = {"text": "The cat sat.", "attention": "decoder.*.cross"}
    url = "/api/models/toy/translate"
    (tokens,) = client.post(url, json=asked).json()["sentences"]
    (words,) = client.post(url, json={**asked, "words": True}).json()["sentences"]
    assert len(words["attention"][0]["keys"]) <= len(tokens["attention"][0]["keys"])
    for row in words["attention"][0]["weights"][0]:
        assert sum(row) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("method", ["rollout", "gradient", "relevance"])
def test_maps_of_what_an_answer_comes_from(client: TestClient, folders: dict[str, Path], method: Any) -> None:
    from regard.tasks.explanation import explain

    asked = {"text": "The cat sat.", "attention": "*", "method": method, "beam": 1}
    (sentence,) = client.post("/api/models/toy/translate", json=asked).json()["sentences"]
    expected = explain(regard.load(folders["toy"])("The cat sat.", beam=1), method).maps
    assert sentence["attention"] == [seen.to_json() for seen in expected.values()]
    page = client.post("/api/models/toy/translate/page", json={"text": "The cat sat.", "method": method})
    assert f"{method}.cross" in page.text

"""Translations that are sent while they are decoded, and heads that are switched off for one request."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest
from fastapi.testclient import TestClient
from toy_served import LIMITS

import regard
from regard.data.text.sentences import Sentence, split_sentences
from regard.server import Limits, create_app, generate, positions, stream, translate
from regard.server.batching import Worker
from regard.server.drafts import Drafts

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
    assert sentence["attention"] == [seen.to_json() for seen in translator.faithfulness.on(maps.values())]
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
        {"decoder.1.cross": {"heads": {"00": 0, "0": 1}}},  # one head, named twice
        {"decoder.1.cross": {"heads": {"٠": 0}}},
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


def test_only_a_head_that_is_not_there_is_told_as_one(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("a secret of the server's")

    monkeypatch.setattr(translate, "translations", broken)
    answer = client.post("/api/models/toy/translate", json={"text": "A cat.", "edit": OFF})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "failed"
    assert "secret" not in answer.text


def test_factors_that_leave_no_numbers_are_not_the_models_fault(client: TestClient) -> None:
    edit = {"*" * stars: {"heads": {"all": 10}} for stars in range(1, 65)}
    answer = client.post("/api/models/toy/translate", json={"text": "A cat.", "edit": edit})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith("with these heads changed: the model predicts NaN")


def test_what_explains_every_word_is_asked_of_shorter_texts(client: TestClient) -> None:
    asked = {"text": "The cat sat on the mat. " * 3, "attention": "*"}
    statuses = {
        method: client.post("/api/models/toy/translate", json={**asked, "method": method}).status_code
        for method in ("attention", "rollout", "gradient", "relevance")
    }
    assert statuses == {"attention": 200, "rollout": 200, "gradient": 413, "relevance": 413}


def test_others_are_heard_while_a_long_text_is_split(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def split(text: str) -> Any:
        threads.append(current_thread().name)
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return split_sentences(text)

    monkeypatch.setattr(stream, "split_sentences", split)
    assert lines(client, {"text": TEXT})[-1]["kind"] == "end"
    assert len(threads) == 1


@pytest.mark.parametrize("what", [(generate, "room"), (positions, "positions")], ids=lambda one: one[1])
def test_others_are_heard_while_a_model_is_asked(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, what: tuple[Any, str]
) -> None:
    module, name = what
    original, told = getattr(module, name), []

    def watched(*given: Any) -> Any:
        told.append(name)
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return original(*given)

    monkeypatch.setattr(module, name, watched)
    assert client.post("/api/models/lm/generate", json={"prompt": "The cat"}).status_code == 200
    assert client.get("/api/models/lm/positions").status_code == 200
    assert told == [name]


def test_a_sentence_has_its_time_once_with_drafts_too() -> None:
    limits = Limits(seconds=0.2)
    worker = Worker(None, limits)  # never started: nobody answers

    async def told() -> list[dict[str, Any]]:
        work = stream.TranslateSentence((), limits)
        given = [stream.Watched("A cat.", Drafts(asyncio.get_running_loop()))]
        first = [worker.submit(work, given[0])]
        found = stream.lines(worker, work, [Sentence("A cat.", "")], given, first, limits.seconds)
        return [json.loads(line) async for line in found]

    began = time.monotonic()
    (line,) = asyncio.run(told())
    assert line["error"]["code"] == "too_late"
    assert time.monotonic() - began < 0.35


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

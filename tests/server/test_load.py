"""Many clients at once: nothing is lost, mixed up or changed by the batch that it rides in."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from live_server import listening
from toy_served import png

from regard.models.text.encoder_decoder import EncoderDecoder
from regard.server import Limits, create_app
from regard.server.bodies import Bounded

WORDS = ("the", "cat", "sat", "on", "a", "mat", "dog", "saw", "how", "are", "you", "red", "sees", "one")
CLIENTS, SECONDS = 64, 3.0


def texts(count: int) -> list[str]:
    """Different texts, of different lengths."""
    found = [" ".join(words).capitalize() + "." for words in product(WORDS, WORDS)][:count]
    return [" ".join(found[place : place + 1 + place % 3]) for place in range(count)]


def requests() -> list[dict[str, Any]]:
    """Requests to every kind of model that is batched."""
    random = np.random.default_rng(0)
    asked = [
        *(("toy/translate", {"text": text, "beam": 3, "n_best": 2}) for text in texts(40)),
        *(("toy/translate", {"text": text, "attention": "*"}) for text in texts(6)),
        *(("lm/generate", {"prompt": text[:9], "length": 6}) for text in texts(12)),
        *(
            ("lm/generate", {"prompt": text[:9], "length": 5, "sample": True, "seed": 4})
            for text in texts(12)
        ),
        *(("moods/classify-text", {"text": text}) for text in texts(20)),
    ]
    digits = [png(random.integers(0, 255, (28, 28), dtype=np.uint8)) for _ in range(12)]
    return [
        *({"url": f"/api/models/{path}", "json": body} for path, body in asked),
        *({"url": "/api/models/digits/classify", "content": body} for body in digits),
    ]


def figures(client: TestClient) -> dict[str, float]:
    """The server's figures, by name."""
    lines = client.get("/metrics").text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[:1] != "#"}


def test_64_clients(folders: dict[str, Path | str]) -> None:
    batched = {name: folders[name] for name in ("toy", "lm", "moods", "digits")}
    with TestClient(create_app(batched, Limits(gather=0.02)), base_url="http://localhost") as client:
        asked = requests()
        alone = [client.post(**one) for one in asked]
        assert {answer.status_code for answer in alone} == {200}
        before = figures(client)
        until, counts = time.monotonic() + SECONDS, [0] * CLIENTS

        def ask(number: int) -> None:
            random = np.random.default_rng(number)
            while time.monotonic() < until or counts[number] < 3:
                place = int(random.integers(len(asked)))
                answer = client.post(**asked[place])
                assert answer.status_code == 200, answer.text
                assert answer.content == alone[place].content  # to the last bit
                counts[number] += 1

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(ask, range(CLIENTS)))
        after = figures(client)
        grown = {name: value - before.get(name, 0.0) for name, value in after.items()}
        counted = [
            value for name, value in grown.items() if name.startswith('regard_requests_total{route="/api')
        ]
        assert sum(counted) == sum(counts)
        assert grown['regard_batch_size_sum{model="toy"}'] > grown['regard_batch_size_count{model="toy"}']
        assert after['regard_queue_length{model="toy"}'] == 0


def test_a_full_queue_is_told(folders: dict[str, Path | str]) -> None:
    limits = Limits(places=2, batch=1)
    with TestClient(create_app({"toy": folders["toy"]}, limits), base_url="http://localhost") as client:
        text = " ".join(texts(60))

        def ask(_: int) -> Any:
            return client.post("/api/models/toy/translate", json={"text": text, "beam": 8})

        with ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(ask, range(24)))
        told = {answer.status_code for answer in answers}
        assert told == {200, 429}
        full = next(answer for answer in answers if answer.status_code == 429)
        assert full.headers["retry-after"] == "1"
        assert full.json()["error"]["code"] == "queue_full"
        assert client.post("/api/models/toy/translate", json={"text": "A cat."}).status_code == 200


def test_an_answer_that_takes_too_long_is_told(folders: dict[str, Path | str]) -> None:
    limits = Limits(seconds=0.05)
    with TestClient(create_app({"toy": folders["toy"]}, limits), base_url="http://localhost") as client:
        answer = client.post("/api/models/toy/translate", json={"text": " ".join(texts(150)), "beam": 10})
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "too_late"


def test_a_long_text_comes_sentence_by_sentence(client: TestClient) -> None:
    text = "The cat sat.\n\n" + " ".join(texts(12)) + "  How are you?"
    whole = client.post("/api/models/toy/translate", json={"text": text[:499]}).json()
    answer = client.post("/api/models/toy/translate/stream", json={"text": text[:499]})
    assert answer.headers["content-type"] == "application/x-ndjson"
    *lines, end = [json.loads(line) for line in answer.text.splitlines()]
    assert end == {"kind": "end", "of": len(lines)}
    assert [line["number"] for line in lines] == list(range(len(lines)))
    assert "".join(line["source"] + line["gap"] for line in lines) == text[:499].strip()
    from regard.data.text.sentences import Sentence, join_sentences

    assert join_sentences(Sentence(line["text"], line["gap"]) for line in lines) == whole["text"]


def test_a_stream_of_nothing(client: TestClient) -> None:
    answer = client.post("/api/models/toy/translate/stream", json={"text": "  "})
    assert answer.text == '{"kind":"end","of":0}\n'


def test_a_stream_that_is_too_long(client: TestClient) -> None:
    answer = client.post("/api/models/toy/translate/stream", json={"text": "A cat. " * 300})
    assert answer.status_code == 413


def test_a_stream_waits_for_its_place_in_the_queue(folders: dict[str, Path | str]) -> None:
    limits = Limits(places=2, batch=1)
    with TestClient(create_app({"toy": folders["toy"]}, limits), base_url="http://localhost") as client:
        answer = client.post("/api/models/toy/translate/stream", json={"text": "A cat. " * 30})
        assert answer.text.count('"sentence"') == 30


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await asyncio.sleep(0.2)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _status(app: Bounded, parts: list[bytes], pause: float = 0.0) -> int:
    """What a client is told that sends a body in parts."""
    left, told = list(parts), []

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()  # the client stays
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await app({"type": "http", "headers": []}, receive, send)
    return int(told[0]["status"])


def test_bodies_are_bounded_together_and_let_go() -> None:
    app = Bounded(_nothing, Limits(body=100, held=250), threading.Event())

    async def ask() -> list[int]:
        return list(await asyncio.gather(*(_status(app, [b"x" * 50, b"x" * 50]) for _ in range(4))))

    assert sorted(asyncio.run(ask())) == [200, 200, 503, 503]
    assert sorted(asyncio.run(ask())) == [200, 200, 503, 503]


def test_requests_are_bounded_in_number() -> None:
    app = Bounded(_nothing, Limits(requests=2), threading.Event())

    async def ask() -> list[int]:
        return list(await asyncio.gather(*(_status(app, [b""]) for _ in range(3))))

    assert sorted(asyncio.run(ask())) == [200, 200, 503]


def test_a_body_that_does_not_come_is_given_up() -> None:
    app = Bounded(_nothing, Limits(body_seconds=0.1), threading.Event())
    assert asyncio.run(_status(app, [b"x"] * 100, pause=0.03)) == 408


def test_an_answer_that_is_not_taken_is_given_up() -> None:
    app = Bounded(_nothing, Limits(send_seconds=0.05), threading.Event())

    async def send(_: dict[str, Any]) -> None:
        await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        asyncio.run(app({"type": "http", "headers": []}, _client(asyncio.Event()), send))


def _client(leaves: asyncio.Event) -> Any:
    """What a client says: one request, and at some time that it goes."""
    said = iter([{"type": "http.request", "body": b""}])

    async def receive() -> dict[str, Any]:
        for message in said:
            return message
        await leaves.wait()
        return {"type": "http.disconnect"}

    return receive


def test_work_is_given_up_when_its_client_goes() -> None:
    ended: list[str] = []

    async def ask() -> None:
        leaves = asyncio.Event()

        async def work(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            leaves.set()
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        app = Bounded(work, Limits(), threading.Event())
        await app({"type": "http", "headers": []}, _client(leaves), None)

    began = time.monotonic()
    asyncio.run(ask())
    assert ended == ["cancelled"]
    assert time.monotonic() - began < 5


def test_a_model_is_free_again_when_its_clients_have_gone(
    folders: dict[str, Path | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, step = 0, EncoderDecoder.step

    def slow(*given: Any) -> Any:
        nonlocal steps
        steps += 1
        time.sleep(0.2)
        return step(*given)

    monkeypatch.setattr(EncoderDecoder, "step", slow)
    with listening(create_app({"toy": folders["toy"]}, Limits())) as address:
        url, sentence = f"{address}/api/models/toy/translate", {"text": " ".join(WORDS * 2), "beam": 1}
        assert httpx2.post(url, json=sentence, timeout=60).status_code == 200
        whole, steps = steps, 0
        for _ in range(2):
            _hang_up(address, json.dumps(sentence).encode(), lambda before=steps: steps > before)
        assert httpx2.post(url, json={"text": "A cat.", "beam": 1}, timeout=60).status_code == 200
        assert steps < whole


def _hang_up(address: str, body: bytes, when: Callable[[], bool]) -> None:
    """Asks for a translation, and goes at some time before it comes."""
    host, _, port = address.removeprefix("http://").partition(":")
    head = f"POST /api/models/toy/translate HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        while not when():
            time.sleep(0.01)

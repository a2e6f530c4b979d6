"""Requests that mean harm, or make no sense: each gets one plain error, and the server goes on."""

from __future__ import annotations

import fnmatch
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from toy_served import LIMITS, png

TRANSLATE = "/api/models/toy/translate"
CLASSIFY = "/api/models/digits/classify"
JSON = {"Content-Type": "application/json"}


def fault(answer: Any) -> tuple[int, str]:
    """The status and the code of an error, which has the one shape."""
    content = answer.json()
    assert content.keys() == {"error"}
    assert content["error"].keys() == {"code", "message"}
    assert content["error"]["message"]
    return answer.status_code, content["error"]["code"]


def bomb(width: int, height: int) -> bytes:
    """A PNG file that claims to be large, and is when it is decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + width)) for _ in range(min(height, 2000))) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nothing", b"\xff\xfe", b'"text"', b"[]", b"null", b"[" * 100_000, b"1" * 10_000,
     b'{"text": "\\ud800"}', b'{"text": NaN}', b'{"text": ["a"]}', b'{"text": 3}', b'{"text": "a", "x": 1}',
     b'{"text": "a", "beam": 0}', b'{"text": "a", "beam": "5"}', b'{"text": "a", "beam": true}',
     b'{"text": "a", "beam": 1, "n_best": 2}', b'{"text": "a", "length_penalty": Infinity}',
     b'{"text": "a", "length_penalty": 1e999}', b'{"text": "a", "attention": "no.such"}',
     b'{"text": "a", "batch_invariant": false}', b'{"text": "a", "no_repeat_ngram": -1}'],
)  # fmt: skip
def test_json_that_makes_no_sense(client: TestClient, body: bytes) -> None:
    status, _ = fault(client.post(TRANSLATE, content=body, headers=JSON))
    assert status == 422


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"text": "a" * 501}, (413, "text_too_long")),
        ({"text": "a", "beam": 5}, (413, "too_many")),
        ({"text": "a", "beam": 4, "n_best": 1 << 70}, (413, "too_many")),
        ({"text": "a" * 300_000}, (413, "too_large")),
        ({"text": "The cat sat on the mat. " * 20, "attention": "*"}, (413, "maps_too_large")),
    ],
)
def test_more_than_is_answered_at_once(
    client: TestClient, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert fault(client.post(TRANSLATE, json=body)) == expected


def test_a_body_without_a_length_is_counted_while_it_is_read(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 1000

    assert fault(client.post(TRANSLATE, content=parts(), headers=JSON)) == (413, "too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png", None])
def test_json_under_another_name_is_not_read(client: TestClient, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = client.post(TRANSLATE, content=b'{"text": "a"}', headers=headers)
    assert fault(answer) == (415, "content_type")


def test_what_is_no_picture(client: TestClient, picture: bytes) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    form = {"files": {"file": ("a.png", picture, "image/png")}}
    assert fault(client.post(CLASSIFY, content=svg)) == (415, "no_picture")
    assert fault(client.post(CLASSIFY, **form)) == (415, "no_picture")
    assert fault(client.post(CLASSIFY, content=b"")) == (422, "empty")
    assert fault(client.post(CLASSIFY, content=b"%!PS-Adobe-3.0 EPSF-3.0\n")) == (415, "no_picture")
    gif = BytesIO()
    Image.new("L", (4, 4)).save(gif, "GIF")
    assert fault(client.post(CLASSIFY, content=gif.getvalue())) == (415, "no_picture")


def test_what_it_is_called_does_not_matter(client: TestClient, picture: bytes) -> None:
    named = {"Content-Type": "text/html; charset=evil"}
    assert client.post(CLASSIFY, content=picture, headers=named).status_code == 200


@pytest.mark.parametrize("cut", [9, 20, 33, 60, -60])
def test_a_picture_that_is_cut_off(client: TestClient, picture: bytes, cut: int) -> None:
    status, _ = fault(client.post(CLASSIFY, content=picture[:cut]))
    assert status == 422


def test_a_small_file_that_is_a_large_picture(client: TestClient) -> None:
    for size in ((20_000, 20_000), (2_000, 2_000), (101, 100), (1 << 30, 1 << 30)):
        made = bomb(*size) if size[0] < 1 << 20 else bomb(100, 1)[:16] + struct.pack(">II", *size) + bytes(17)
        assert len(made) < LIMITS.body
        assert fault(client.post(CLASSIFY, content=made))[0] in (413, 422)
    assert fault(client.post(CLASSIFY, content=bomb(20_000, 20_000))) == (413, "too_many_pixels")


@pytest.mark.parametrize("task", ["image-classification", "segmentation", "denoising", "anomaly-detection"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (100, 1), (3, 5), (7, 9, 3), (5, 5, 4)])
def test_pictures_of_any_shape(client: TestClient, task: str, shape: tuple[int, ...]) -> None:
    paths = {"image-classification": "classify", "segmentation": "segment", "denoising": "denoise"}
    body = png(np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8))
    answer = client.post(f"/api/models/{task}/{paths.get(task, 'detect')}", content=body)
    assert answer.status_code == 200 or fault(answer)[0] == 422


def test_a_deep_picture_stays_deep(client: TestClient) -> None:
    deep = np.random.default_rng(0).integers(0, 65535, (8, 8), dtype=np.uint16)
    clean = client.post("/api/models/denoising/denoise/png", content=png(deep))
    assert np.array(Image.open(BytesIO(clean.content))).max() > 255
    fractions = BytesIO()
    Image.fromarray((deep / 65535).astype(np.float32)).save(fractions, "TIFF")
    assert client.post("/api/models/denoising/denoise", content=fractions.getvalue()).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/models/none/translate", 404),
        ("/api/models/digits/translate", 404),
        ("/api/models/..%2f..%2fetc/translate", 404),
        ("/api/models/%2fetc%2fpasswd/translate", 404),
        ("/api/models/en-fr/translate", 404),  # it ships, but is not served
        ("/../../etc/passwd", 404),
        ("/docs", 404),
        ("/api/models/toy/translate/", 404),
    ],
)
def test_addresses_lead_nowhere_else(client: TestClient, path: str, status: int) -> None:
    assert fault(client.post(path, json={"text": "a"}))[0] == status


def test_patterns_of_clients_are_not_kept(client: TestClient) -> None:
    def ask(number: int) -> None:
        pattern = f"*{number:098}*"
        body = {"text": "A cat.", "attention": pattern, "edit": {pattern: {"heads": {"0": 0}}}}
        assert fault(client.post(TRANSLATE, json=body))[0] == 422
        body.pop("edit")
        assert fault(client.post(TRANSLATE, json=body)) == (422, "no_such_place")

    ask(0)
    before = fnmatch._compile_pattern.cache_info().currsize  # type: ignore[attr-defined]
    for number in range(1, 20):
        ask(number)
    assert fnmatch._compile_pattern.cache_info().currsize == before  # type: ignore[attr-defined]


def test_another_method(client: TestClient) -> None:
    answer = client.get(TRANSLATE)
    assert fault(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "localhost:x"]
)
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    assert fault(client.get("/api/models", headers={"Host": host})) == (421, "host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_this_machine_is_not(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:9999", "https://localhost.evil"]
)
def test_pages_of_other_sites_are_refused(client: TestClient, origin: str) -> None:
    asked = {"json": {"text": "a"}, "headers": {"Origin": origin}}
    assert fault(client.post(TRANSLATE, **asked)) == (403, "origin")
    assert (
        client.post(TRANSLATE, json={"text": "a"}, headers={"Origin": "http://localhost"}).status_code == 200
    )


@pytest.mark.parametrize("path", ["/health", "/no/such", "/metrics", "/openapi.json"])
def test_every_answer_is_sealed(client: TestClient, path: str) -> None:
    headers = client.get(path, headers={"Origin": "http://localhost"}).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_NAMES = ["text", "prompt", "beam", "n_best", "length", "attention", "top_p", "sample", "seed", "temperature"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        ["toy/translate", "toy/translate/page", "toy/translate/stream", "lm/generate", "moods/classify-text"]
    ),
    st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=4),
)
def test_any_json_is_answered(client: TestClient, path: str, body: dict[str, Any]) -> None:
    import json

    sent = json.dumps(body).encode()
    answer = client.post(f"/api/models/{path}", content=sent, headers=JSON)
    assert answer.status_code == 200 or fault(answer)[0] in (413, 422)


@settings(max_examples=60)
@given(st.data())
def test_any_damage_to_a_picture_is_answered(client: TestClient, picture: bytes, data: st.DataObject) -> None:
    damaged = bytearray(picture)
    for place in data.draw(st.lists(st.integers(0, len(picture) - 1), max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    answer = client.post(CLASSIFY, content=bytes(damaged))
    assert answer.status_code == 200 or fault(answer)[0] in (413, 415, 422)

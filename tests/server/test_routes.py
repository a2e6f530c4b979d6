"""What each task answers."""

from __future__ import annotations

import base64
import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from toy_served import LIMITS

import regard


def pixels_of(text: str) -> np.ndarray:
    return np.array(Image.open(BytesIO(base64.b64decode(text))))


def test_models_are_listed_with_their_cards_and_figures(client: TestClient) -> None:
    listed = {model["name"]: model for model in client.get("/api/models").json()}
    assert listed["digits"]["task"] == "image-classification"
    assert listed["digits"]["classes"] == list("0123456789")
    assert listed["toy"]["task"] == "translation"
    assert "classes" not in listed["toy"]
    digits = client.get(listed["digits"]["address"]).json()
    assert digits["card"].startswith("# ")
    assert digits["figures"]["test"]["accuracy"] > 0.99
    assert "encoder.0.self" in digits["places"]


def test_a_translation_is_that_of_the_library(client: TestClient, folders: dict[str, Path]) -> None:
    text = "The cat sat. A dog sees the red cat!"
    told = client.post("/api/models/toy/translate", json={"text": text, "beam": 3, "n_best": 2}).json()
    expected = regard.load(folders["toy"])(text, beam=3, n_best=2)
    assert told["text"] == expected.text
    assert [one["text"] for one in told["n_best"]] == [one.text for one in expected.n_best]
    assert [one["tokens"] for one in told["sentences"]] == [list(one.tokens) for one in expected.parts]
    assert told["score"] == pytest.approx(expected.score, abs=1e-3)
    assert "attention" not in told["sentences"][0]


@pytest.mark.parametrize("text", ["", "   ", "\x00", "가나다 漢字 🙂", "a" * 499])
def test_any_text_is_translated(client: TestClient, text: str) -> None:
    answer = client.post("/api/models/toy/translate", json={"text": text})
    assert answer.status_code == 200
    assert isinstance(answer.json()["text"], str)


def test_a_translation_brings_the_maps_that_are_asked_for(
    client: TestClient, folders: dict[str, Path]
) -> None:
    asked = {"text": "The cat sat.", "attention": "decoder.*.cross"}
    (sentence,) = client.post("/api/models/toy/translate", json=asked).json()["sentences"]
    expected = regard.load(folders["toy"])("The cat sat.").attention
    assert [one["name"] for one in sentence["attention"]] == ["decoder.0.cross", "decoder.1.cross"]
    assert sentence["attention"][1] == expected["decoder.1.cross"].to_json()


def test_a_page_of_maps_is_shut_off_from_the_server(client: TestClient) -> None:
    answer = client.post("/api/models/toy/translate/page", json={"text": "The cat sat. How are you?"})
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert answer.text.startswith("<!doctype html>")
    assert "sentence 2 · encoder.0.self" in answer.text


def test_a_text_is_continued(client: TestClient, folders: dict[str, Path]) -> None:
    asked = {"prompt": "The cat", "length": 5, "sample": True, "seed": 3, "n_best": 2, "attention": "*"}
    told = client.post("/api/models/lm/generate", json=asked).json()
    expected = regard.load(folders["lm"])("The cat", length=5, sample=True, seed=3, n_best=2)
    assert told["text"] == expected.text
    assert [one["text"] for one in told["others"]] == [one.text for one in expected.others]
    assert len(told["attention"][0]["queries"]) == len(told["tokens"])


def test_a_text_is_classified(client: TestClient, folders: dict[str, Path]) -> None:
    told = client.post("/api/models/moods/classify-text", json={"text": "The cat", "attention": "*"}).json()
    expected = regard.load(folders["moods"])("The cat")
    assert told["label"] == expected.label
    assert told["probabilities"] == pytest.approx(expected.probabilities, abs=1e-4)
    assert {one["name"] for one in told["attention"]} == {"encoder.0.self", "encoder.1.self"}


def test_a_picture_is_classified(client: TestClient, picture: bytes, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(picture)
    told = client.post("/api/models/digits/classify", content=picture).json()
    expected = regard.load("digits")(tmp_path / "picture.png")
    assert told["label"] == expected.label
    assert told["probabilities"] == pytest.approx(expected.probabilities, abs=1e-4)


def test_a_picture_is_segmented(
    client: TestClient, picture: bytes, folders: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "picture.png").write_bytes(picture)
    told = client.post("/api/models/segmentation/segment", content=picture).json()
    expected = regard.load(folders["segmentation"])(tmp_path / "picture.png")
    assert np.array_equal(pixels_of(told["mask"]), expected.mask)
    assert np.array_equal(pixels_of(told["numbers"]), expected.objects)
    assert told["objects"] == expected.count
    alone = client.post("/api/models/segmentation/segment/png", content=picture)
    assert alone.headers["content-type"] == "image/png"
    assert alone.content == base64.b64decode(told["mask"])


def test_a_picture_is_denoised(
    client: TestClient, picture: bytes, folders: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "picture.png").write_bytes(picture)
    told = client.post("/api/models/denoising/denoise", content=picture).json()
    expected = regard.load(folders["denoising"])(tmp_path / "picture.png")
    assert np.array_equal(pixels_of(told["picture"]), expected.pixels[..., 0])


def test_a_picture_is_compared_with_good_ones(
    client: TestClient, picture: bytes, folders: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "picture.png").write_bytes(picture)
    told = client.post("/api/models/anomaly-detection/detect", content=picture).json()
    expected = regard.load(folders["anomaly-detection"])(tmp_path / "picture.png")
    assert told["score"] == pytest.approx(expected.score, abs=1e-6)
    assert told["anomalous"] is expected.anomalous
    assert pixels_of(told["heat"]).shape == (16, 16)
    assert pixels_of(told["restored"]).shape == (16, 16)


@pytest.mark.parametrize(
    ("model", "path"), [("image-classification", "classify"), ("segmentation", "segment")]
)
def test_pictures_bring_maps(client: TestClient, picture: bytes, model: str, path: str) -> None:
    address = f"/api/models/{model}/{path}"
    told = client.post(address, content=picture, params={"attention": "*"}).json()
    assert all({"name", "weights", "key_grid"} <= one.keys() for one in told["attention"])
    page = client.post(f"{address}/page", content=picture)
    assert page.status_code == 200
    assert told["attention"][0]["name"] in page.text


def test_a_network_without_attention_has_no_page(client: TestClient, picture: bytes) -> None:
    answer = client.post("/api/models/denoising/denoise/page", content=picture)
    assert answer.status_code == 422
    assert "no attention map" in answer.json()["error"]["message"]


def test_the_server_tells_how_it_is(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}
    client.post("/api/models/toy/translate", json={"text": "The cat."})
    client.post("/api/models/toy/translate", json={"txt": "The cat."})
    figures = client.get("/metrics").text
    assert 'regard_requests_total{route="/api/models/{model}/translate",status="200"}' in figures
    assert 'regard_rejected_total{status="422"}' in figures
    assert 'regard_request_seconds_count{route="/api/models/{model}/translate"}' in figures
    assert 'regard_queue_length{model="toy"} 0.0' in figures
    assert 'regard_batch_size_count{model="toy"}' in figures


def test_addresses_do_not_multiply_the_figures(client: TestClient) -> None:
    for number in range(5):
        client.get(f"/no/such/{number}")
    assert "/no/such" not in client.get("/metrics").text


def test_the_description_names_every_route_and_its_errors(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(description)))
    assert named <= description["components"]["schemas"].keys()
    assert "$defs" not in json.dumps(description)
    paths = description["paths"]
    translate = paths["/api/models/{model}/translate"]["post"]
    assert {"200", "413", "422", "429", "503"} <= translate["responses"].keys()
    assert translate["responses"]["429"]["content"]["application/json"]["schema"]["$ref"].endswith(
        "ErrorAnswer"
    )
    assert client.get("/api/limits").json()["beam"] == LIMITS.beam
    assert "image/png" in paths["/api/models/{model}/segment"]["post"]["requestBody"]["content"]
    assert len(paths) >= 18

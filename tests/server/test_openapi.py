"""Whatever its own description allows, and what it does not: requests made from the OpenAPI description."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from live_server import listening
from toy_served import LIMITS

from regard.server import create_app

schemathesis = pytest.importorskip("schemathesis", reason="it makes requests from descriptions")
checks = schemathesis.checks
checks.load_all_checks()

MODELS = {
    "translate": "toy",
    "generate": "lm",
    "classify-text": "moods",
    "classify": "digits",
    "segment": "segmentation",
    "denoise": "denoising",
    "detect": "anomaly-detection",
}
ASKED = (
    "translate",
    "translate/stream",
    "curves",
    "positions",
    "neighbours",
    "generate",
    "classify",
    "detect/png",
)


@pytest.fixture(scope="module")
def description(folders: dict[str, Path | str]) -> Iterator[Any]:
    """The description of a server that listens."""
    with listening(create_app({name: folders[name] for name in MODELS.values()}, LIMITS)) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


def ask(case: Any) -> None:
    """Sends a request, and compares the answer with what the description says of it."""
    if "model" in (case.path_parameters or {}):
        # One of the route's task: what else is asked for is one answer, 404.
        part = case.path.split("{model}")[1].split("/")[1:2]
        case.path_parameters["model"] = MODELS.get(part[0], "toy") if part else "digits"
    answer = case.call(timeout=60)
    assert answer.status_code < 500, answer.text
    assert not any(word in answer.content for word in (b"Traceback", b"/regard/", b"site-packages"))
    if answer.status_code >= 400:
        assert answer.json()["error"].keys() == {"code", "message"}
    case.validate_response(
        answer,
        checks=[
            checks.not_a_server_error,
            checks.response_schema_conformance,
            checks.content_type_conformance,
            checks.status_code_conformance,
        ],
    )


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
def test_every_route_answers_as_it_says(description: Any, mode: Any) -> None:
    asked = set()
    for found in description.get_all_operations():
        operation = found.ok()
        if not (operation.query or operation.body) and mode is schemathesis.GenerationMode.NEGATIVE:
            continue  # nothing of it could be wrong
        limited = settings(
            max_examples=8, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True
        )
        try:
            limited(given(operation.as_strategy(generation_mode=mode))(ask))()
        except Unsatisfiable:
            assert mode is schemathesis.GenerationMode.NEGATIVE  # bytes of any kind are a body
        asked.add(operation.path)
    if mode is schemathesis.GenerationMode.POSITIVE:
        assert {path.removeprefix("/api/models/{model}/") for path in asked} >= set(ASKED)
    assert not any(path.startswith("/page") for path in asked)

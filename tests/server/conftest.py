"""A server of small models of every task, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from toy_served import LIMITS, png

from regard.server import create_app


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, trained: dict[str, Path]) -> dict[str, Path | str]:
    """Model folders by name: texts with random weights, pictures trained a little, and what ships."""
    from toy_served import save_classifier, save_generator, save_translator

    root = tmp_path_factory.mktemp("served")
    return {
        "toy": save_translator(root / "translator"),
        "lm": save_generator(root / "generator"),
        "moods": save_classifier(root / "classifier"),
        **trained,
        "digits": "digits",
    }


@pytest.fixture(scope="session")
def client(folders: dict[str, Path | str]) -> Iterator[TestClient]:
    with TestClient(create_app(folders, LIMITS), base_url="http://localhost") as made:
        yield made


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A grey picture of 16 × 16 pixels, as a PNG file."""
    return png(np.random.default_rng(0).integers(0, 255, (16, 16), dtype=np.uint8))

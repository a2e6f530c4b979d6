"""A server of small models of every task, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="session")
def site(folders: dict[str, Path | str]) -> Iterator[str]:
    """The address of a server with a page: the translator that ships, and a model of every picture task."""
    from live_server import listening

    names = ("digits", "segmentation", "denoising", "anomaly-detection")
    served = {"en-fr": "en-fr", **{name: folders[name] for name in names}}
    with listening(create_app(served)) as address:
        yield address


@pytest.fixture
def visit(open_tab: Callable[..., Any], site: str) -> Callable[..., Any]:
    """Opens the page of a server, which asks for nothing from another host."""

    def visit(view: str = "", *, address: str = site, **options: Any) -> Any:
        asks = (address, f"blob:{address}")
        return open_tab(f"{address}/#/{view}", ready="main .view", asks=asks, **options)

    return visit

"""A server of small models of every task, in this process."""

from __future__ import annotations

import shutil
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the driver of the browser is not installed"
    )
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser: Any, site: str) -> Iterator[Callable[..., Any]]:
    """Opens the page; at the end nothing may have gone wrong in it, nor been asked for from another host."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def open_page(view: str = "", *, address: str = site, wrong_is_fine: bool = False, **options: Any) -> Any:
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options))
        tab = contexts[-1].new_page()
        tab.set_default_timeout(60_000)  # a busy machine is not a fault
        if not wrong_is_fine:
            # Tests read canvases back more often than the page does.
            tab.on(
                "console",
                lambda said: "willReadFrequently" in said.text or wrong.append(f"console: {said.text}"),
            )
        tab.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        tab.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        tab.on(
            "request",
            lambda asked: (
                asked.url.startswith((address, f"blob:{address}")) or wrong.append(f"asks {asked.url}")
            ),
        )
        tab.goto(f"{address}/#/{view}")
        tab.wait_for_selector("main .view")
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong

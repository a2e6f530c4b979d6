"""What all tests share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

# A busy machine is not a fault: no generated case may fail for the time that it took.
settings.register_profile("regard", deadline=None)
settings.load_profile("regard")


@pytest.fixture(scope="session")
def timm() -> ModuleType:
    """timm, which `make test` installs apart."""
    from benchmarks.peers import import_timm

    try:
        return import_timm()
    except ImportError as error:
        pytest.skip(f"timm is not here ({error}): run make test")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``classes/`` (dark, light), ``masks/`` (images, masks), ``good/`` and ``parts/`` (train, test)."""
    from toy_pictures import blob, save

    root, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(24):
        picture, mask = blob(random)
        for split, first in (("train", 0), ("test", 18)):
            if (number >= 18) == (first > 0):
                save(root / "classes" / split / "dark" / f"{number}.png", picture // 3)
                save(root / "classes" / split / "light" / f"{number}.png", 255 - picture // 3)
                save(root / "masks" / split / "images" / f"{number}.png", picture)
                save(root / "masks" / split / "masks" / f"{number}.png", mask)
                save(root / "parts" / split / "good" / f"{number}.png", picture)
        scratched = picture.copy()
        scratched[7:9] = 255
        if number >= 18:
            save(root / "parts" / "test" / "scratch" / f"{number}.png", scratched)
    return root


@pytest.fixture(scope="session")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model folder for each task."""
    from toy_pictures import MODELS, table

    from regard.tasks import parse_recipe, train

    root = tmp_path_factory.mktemp("models")
    return {task: train(parse_recipe(table(task, pictures)), root / task) for task in MODELS}


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
def open_tab(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address; at the end nothing may have gone wrong there, nor been asked for from elsewhere."""
    wrong: list[str] = []
    contexts: list[Any] = []

    def open_tab(
        address: str, *, ready: str, asks: tuple[str, ...], wrong_is_fine: bool = False, **options: Any
    ) -> Any:
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
        tab.on("request", lambda asked: asked.url.startswith(asks) or wrong.append(f"asks {asked.url}"))
        tab.goto(address)
        tab.wait_for_selector(ready)
        return tab

    yield open_tab
    for context in contexts:
        context.close()
    assert not wrong

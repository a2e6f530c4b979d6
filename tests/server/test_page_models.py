"""The page's models in real Chromium, and what it says when the server does not answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live_server import listening

from regard.server import create_app

pytestmark = pytest.mark.xdist_group("browser")

HOSTILE = """# A <b>model</b>

<script>alert(1)</script> [bad](javascript:alert(1)) [good](https://example.org/x) **bold** `code`

| a | b |
|---|---|
| <img src=x onerror=alert(2)> | 1 |

- one
- two

```python
print("<i>")
```
"""


def test_cards_figures_curves_and_positions(visit: Callable[..., Any]) -> None:
    tab = visit("models/segmentation")
    tab.wait_for_selector(".chart canvas")
    assert tab.locator(".picks a").count() == 5
    assert tab.get_attribute('.picks a[href="#/models/segmentation"]', "aria-current") == "true"
    label = tab.get_attribute(".chart canvas >> nth=0", "aria-label")
    assert label.startswith("loss: training ")
    tab.focus(".chart canvas >> nth=0")
    tab.keyboard.press("ArrowRight")
    assert tab.inner_text(".chart .readout >> nth=0").startswith("update ")
    tab.click('.picks a[href="#/models/digits"]')
    tab.wait_for_selector("canvas.likeness")
    assert tab.locator(".chart").count() == 0
    assert "Image classification" in tab.inner_text(".prose")
    assert tab.inner_text(".figures dd >> nth=1").startswith("0.99")


def test_neighbours_of_a_word(visit: Callable[..., Any]) -> None:
    tab = visit(
        "models/en-fr", wrong_is_fine=True
    )  # the browser itself reports the status of an unknown word
    tab.fill(".ask input", "dog")
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".detail .ranking li")
    assert tab.locator(".detail .ranking li").count() == 12
    tab.check('input[aria-label="target"]')
    tab.fill(".ask input", "two words")
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".notice.wrong")
    assert "give one word" in tab.inner_text(".notice.wrong")
    assert tab.locator(".detail .ranking li").count() == 0


@pytest.mark.parametrize("view", ["models/en-fr", "models/digits"])
def test_models_fit_a_phone(visit: Callable[..., Any], view: str) -> None:
    tab = visit(view, viewport={"width": 390, "height": 844})
    tab.wait_for_selector(".prose")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_card_is_text_whatever_it_says(
    visit: Callable[..., Any], folders: dict[str, Path], tmp_path: Path
) -> None:
    from regard.tasks import load_folder, save_model

    kept = load_folder(folders["toy"])
    import regard

    save_model(
        tmp_path / "toy",
        model=regard.load(folders["toy"]).model,
        recipe=kept.recipe,
        tokenizers=kept.tokenizers,
        metrics={},
        card=HOSTILE,
    )
    with listening(create_app({"toy": tmp_path / "toy"})) as address:
        tab = visit("models/toy", address=address)
        tab.wait_for_selector(".prose")
        assert tab.eval_on_selector_all("header nav a", "all => all.map((one) => one.textContent)") == [
            "Translate",
            "Models",
        ]
        assert tab.inner_text(".prose h3") == "A <b>model</b>"
        assert tab.locator(".prose script, .prose img, .prose b").count() == 0
        links = tab.eval_on_selector_all(".prose a", "all => all.map((one) => one.href)")
        assert links == ["https://example.org/x"]
        assert tab.locator(".prose td").count() == 2
        assert tab.inner_text(".prose pre") == 'print("<i>")'
        tab.goto("about:blank")  # keeps no connection, for which the end would wait
    shutil.rmtree(tmp_path / "toy")


def refuse(tab: Any, status: int, code: str, *, times: int, retry: str | None = None) -> list[int]:
    """The next requests for a translation are refused so often, and then answered."""
    left = [times]

    def handle(route: Any) -> None:
        if left[0] == 0:
            route.continue_()
            return
        left[0] -= 1
        route.fulfill(
            status=status,
            headers={"Content-Type": "application/json", **({"Retry-After": retry} if retry else {})},
            body=json.dumps({"error": {"code": code, "message": "in the server's own words"}}),
        )

    tab.route("**/translate/stream", handle)
    return left


def test_a_busy_server_is_asked_again(visit: Callable[..., Any]) -> None:
    tab = visit(wrong_is_fine=True)
    left = refuse(tab, 429, "queue_full", times=2, retry="1")
    tab.fill("textarea", "A cat.")
    tab.wait_for_selector(".notice.busy:has-text('The server is busy')")
    tab.wait_for_selector(".flow .token")
    assert left == [0]
    assert not tab.is_visible(".notice:visible")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (503, "closing", "shutting down"),
        (413, "text_too_long", "too long"),
        (500, "failed", "could not answer"),
        (418, "something_new", "could not answer"),
    ],
)
def test_errors_are_told_in_plain_words_and_can_be_tried_again(
    visit: Callable[..., Any], status: int, code: str, said: str
) -> None:
    tab = visit(wrong_is_fine=True)
    refuse(tab, status, code, times=1)
    tab.fill("textarea", "A cat.")
    tab.wait_for_selector(f".notice.wrong:has-text('{said}')")
    assert "in the server's own words" in tab.inner_text(".notice.wrong")
    tab.click('button:text-is("Try again")')
    tab.wait_for_selector(".flow .token")
    assert not tab.is_visible(".notice:visible")


def test_a_server_that_is_gone_is_told(visit: Callable[..., Any]) -> None:
    tab = visit(wrong_is_fine=True)
    tab.route("**/api/**", lambda route: route.abort())
    tab.fill("textarea", "A cat.")
    tab.wait_for_selector(".notice.wrong:has-text('cannot be reached')")

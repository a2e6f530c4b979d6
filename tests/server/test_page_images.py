"""The page's pictures in real Chromium: each task, each way of giving a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from toy_served import png

pytestmark = pytest.mark.xdist_group("browser")

PHONE = {"viewport": {"width": 390, "height": 844}}


def choose(tab: Any, model: str) -> Any:
    tab.check(f'input[aria-label^="{model} · "]')
    return tab


def given(tab: Any, body: bytes) -> Any:
    tab.set_input_files('input[type="file"]', {"name": "a.png", "mimeType": "image/png", "buffer": body})
    tab.wait_for_selector(".answer-room > *")
    return tab


def asked(site: str, path: str, body: bytes) -> Any:
    return httpx2.post(f"{site}/api/models/{path}", content=body, timeout=60).json()


def test_a_class_with_what_the_patches_looked_at(visit: Callable[..., Any], site: str) -> None:
    body = png(np.random.default_rng(3).integers(0, 255, (28, 28), dtype=np.uint8))
    expected = asked(site, "digits/classify?attention=*", body)
    tab = given(choose(visit("images"), "digits"), body)
    assert tab.inner_text(".answer") == expected["label"]
    names = tab.eval_on_selector_all(".ranking .token", "all => all.map((one) => one.textContent)")
    assert names == [name for name, _ in sorted(expected["probabilities"].items(), key=lambda pair: -pair[1])]
    seen = next(one for one in expected["attention"] if one["name"] == "encoder.2.self")
    tab.check('.controls input[aria-label="encoder self"]')
    tab.check('.controls input[aria-label="encoder.2.self"]')
    tab.check('.controls input[aria-label="head 1"]')
    rows, columns = seen["query_grid"]["rows"], seen["query_grid"]["columns"]
    tab.locator(".stage").scroll_into_view_if_needed()
    box = tab.locator(".stage").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 2.5 / columns, box["y"] + box["height"] * 1.5 / rows)
    line = seen["weights"][1][len(seen["query_grid"]["specials"]) + columns + 2]
    patches = line[len(seen["key_grid"]["specials"]) :]
    best = patches.index(max(patches))
    assert tab.inner_text(".readout").startswith(f"1,2 looks at {best // columns},{best % columns}: ")
    tab.mouse.move(2, 2)
    tab.focus(".stage")
    tab.keyboard.press("ArrowRight")
    assert tab.inner_text(".readout").startswith("0,1 looks at ")
    with tab.expect_download() as saved:
        tab.click("text=Save as HTML")
    assert saved.value.suggested_filename == "digits.html"


def test_objects_are_counted_and_told_apart(visit: Callable[..., Any], site: str, pictures: Path) -> None:
    body = next((pictures / "masks" / "test" / "images").iterdir()).read_bytes()
    expected = asked(site, "segmentation/segment", body)
    tab = given(choose(visit("images"), "segmentation"), body)
    assert tab.inner_text(".answer") == str(expected["objects"])
    alpha = """() => {
      const canvas = document.querySelectorAll(".stage canvas")[1];
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((_, at) => at % 4 === 3).reduce((sum, value) => sum + value, 0);
    }"""
    half = tab.evaluate(alpha)
    tab.focus('.stage ~ .tools input[type="range"]')
    tab.keyboard.press("Home")
    assert tab.evaluate(alpha) <= half
    if expected["objects"]:
        tab.focus(".stage")
        tab.keyboard.press("ArrowRight")
        assert tab.inner_text(".readout").startswith("Object 1: ")


def test_numbers_of_objects_are_read_in_16_bits(visit: Callable[..., Any]) -> None:
    tab = visit("images")
    numbers = np.random.default_rng(0).integers(0, 65535, (13, 17), dtype=np.uint16)
    numbers[5] = np.arange(17)
    base = tab.eval_on_selector('link[href$="site.css"]', "link => link.href.replace(/site.css$/, '')")
    read = tab.evaluate(
        """async ([base, bytes]) => {
          const { readGrey16 } = await import(`${base}png16.js`);
          const { width, height, values } = await readGrey16(new Blob([Uint8Array.from(bytes)]));
          return [width, height, [...values]];
        }""",
        [base, list(png(numbers))],
    )
    assert read == [17, 13, numbers.reshape(-1).tolist()]


def test_before_and_after(visit: Callable[..., Any]) -> None:
    body = png(np.random.default_rng(1).integers(0, 255, (16, 24, 3), dtype=np.uint8))
    tab = given(choose(visit("images"), "denoising"), body)
    border = "getComputedStyle(document.querySelector('.stage')).getPropertyValue('--border')"
    assert tab.evaluate(border) == "50%"
    tab.focus('.stage ~ .tools input[type="range"]')
    tab.keyboard.press("End")
    assert tab.evaluate(border) == "100%"
    tab.locator(".stage").scroll_into_view_if_needed()
    box = tab.locator(".stage").bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 4, box["y"] + 5)
    assert float(tab.evaluate(border).removesuffix("%")) == pytest.approx(25, abs=1.5)


def test_an_anomaly_against_its_threshold(visit: Callable[..., Any], site: str, pictures: Path) -> None:
    body = next((pictures / "parts" / "test" / "scratch").iterdir()).read_bytes()
    expected = asked(site, "anomaly-detection/detect", body)
    tab = given(choose(visit("images"), "anomaly-detection"), body)
    assert tab.inner_text(".answer") == (
        "Unlike the good ones" if expected["anomalous"] else "Like the good ones"
    )
    part = float(tab.eval_on_selector(".gauge", "one => one.style.getPropertyValue('--part')"))
    assert part == pytest.approx(min(expected["score"] / (2 * expected["threshold"]), 1), abs=1e-6)
    assert tab.locator(".gauge").get_attribute("aria-label").count("threshold") == 1


@pytest.mark.parametrize("model", ["digits", "segmentation", "denoising", "anomaly-detection"])
def test_an_example_works_on_a_phone_by_keys(visit: Callable[..., Any], model: str) -> None:
    tab = choose(visit("images", **PHONE), model)
    tab.focus('button:text-is("Example")')
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".answer-room > *")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.locator(".stage").bounding_box()["width"] > 200


def test_what_is_drawn_is_read(visit: Callable[..., Any]) -> None:
    tab = choose(visit("images"), "digits")
    tab.click('button:text-is("Draw")')
    box = tab.locator(".pad canvas").bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + 35)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 35, steps=8)
    tab.mouse.up()
    tab.wait_for_selector(".answer-room > *")
    assert tab.inner_text(".answer") == "1"
    tab.click('button:text-is("Wipe")')


def test_a_picture_is_dropped_or_pasted(visit: Callable[..., Any]) -> None:
    tab = choose(visit("images"), "digits")
    body = list(png(np.zeros((28, 28), np.uint8)))
    drop = """([bytes, kind]) => {
      const files = new DataTransfer();
      files.items.add(new File([Uint8Array.from(bytes)], "a.png", { type: "image/png" }));
      const event = kind === "drop"
        ? new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: files, bubbles: true });
      document.querySelector(".drop").dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        with tab.expect_response("**/classify?attention=*") as told:
            tab.evaluate(drop, [body, kind])
        assert told.value.status == 200


def test_what_is_no_picture_is_told(visit: Callable[..., Any]) -> None:
    tab = choose(visit("images", wrong_is_fine=True), "digits")  # the browser itself reports the status
    tab.set_input_files(
        'input[type="file"]', {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    tab.wait_for_selector(".notice.wrong")
    assert "no picture that can be read" in tab.inner_text(".notice.wrong")
    given(tab, png(np.zeros((28, 28), np.uint8)))
    assert not tab.is_visible(".notice.wrong")

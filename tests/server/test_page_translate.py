"""The page's translator in real Chromium: by pointer, by keys, by touch, on any screen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.xdist_group("browser")  # one browser serves all

TEXT = "She gave him the book."
LONG = "Do not touch the Donaudampfschifffahrtsgesellschaftskapitänsmützen-Donaudampfschiff."
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def asked(site: str, body: dict[str, Any]) -> Any:
    return httpx2.post(f"{site}/api/models/en-fr/translate", json=body, timeout=60).json()


def translated(tab: Any, text: str = TEXT) -> Any:
    tab.fill("textarea", text)
    tab.wait_for_selector(".flow .below .token")
    return tab


def settled(is_so: Callable[[], bool]) -> None:
    """Waits until something is so; the page's policy forbids to be asked in text."""
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def levels(tab: Any, row: str) -> list[float]:
    script = "all => all.map((one) => Number(one.style.getPropertyValue('--level')))"
    return list(tab.eval_on_selector_all(f".{row} .token", script))


def test_a_text_is_translated_while_it_is_typed(visit: Callable[..., Any], site: str) -> None:
    tab = visit()
    drafts: list[str] = []
    tab.expose_function("noted", lambda draft: drafts.append(draft))
    tab.evaluate(
        """() => {
          const watcher = new MutationObserver(() => {
            const draft = document.querySelector(".draft")?.textContent;
            if (draft) noted(draft);
          });
          const what = { childList: true, subtree: true, characterData: true };
          watcher.observe(document.querySelector(".output"), what);
        }"""
    )
    tab.check('input[aria-label="greedy"]')
    text = "I do not know why he left so early this morning without telling anybody. Nobody told me!"
    translated(tab, text)
    expected = asked(site, {"text": text, "beam": 1})
    assert tab.inner_text(".output").strip() == expected["text"]
    assert len(set(drafts)) > 5
    for draft in drafts:
        assert any(one["text"].startswith(draft) for one in expected["sentences"])
    assert tab.locator('fieldset:has-text("Sentence") input').count() == 2


def test_a_word_shows_what_it_looked_at(visit: Callable[..., Any], site: str) -> None:
    tab = translated(visit())
    maps = asked(site, {"text": TEXT, "attention": "decoder.*.cross", "words": True})["sentences"][0][
        "attention"
    ]
    weights = maps[-1]["weights"]
    tab.check('.controls input[aria-label="head 1"]')
    tab.hover(".below .token:nth-child(3)")
    row = weights[1][2]
    assert levels(tab, "above") == pytest.approx([weight / max(row) for weight in row], abs=1e-3)
    best = maps[-1]["keys"][row.index(max(row))]
    assert tab.inner_text(".readout").startswith(f"{maps[-1]['queries'][2]} looks at {best} ")
    tab.hover(".above .token:nth-child(2)")
    column = [line[1] for line in weights[1]]
    assert levels(tab, "below") == pytest.approx([weight / max(column) for weight in column], abs=1e-3)
    tab.check(f'.controls input[aria-label="{maps[0]["name"]}"]')
    tab.check('.controls input[aria-label="mean"]')
    tab.mouse.move(2, 2)
    assert "Point at a word" in tab.inner_text(".readout")
    tab.focus(".below")
    tab.keyboard.press("ArrowRight")
    mean = [sum(head[0][key] for head in maps[0]["weights"]) / len(weights) for key in range(len(row))]
    assert levels(tab, "above") == pytest.approx([weight / max(mean) for weight in mean], abs=1e-3)
    assert tab.get_attribute(".below", "aria-activedescendant") == tab.get_attribute(".below .token", "id")
    # Lines were drawn between the words.
    painted = """canvas => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some(Boolean);
    }"""
    assert tab.eval_on_selector(".flow canvas", painted)


def test_the_best_are_listed_with_their_scores(visit: Callable[..., Any], site: str) -> None:
    tab = translated(visit())
    expected = asked(site, {"text": TEXT, "n_best": 5})["n_best"]
    told = tab.eval_on_selector_all(
        ".candidates li", "all => all.map((one) => [...one.children].map((c) => c.textContent))"
    )
    assert told == [[one["text"], f"{one['score']:.3f}".replace("-", "−")] for one in expected]


def test_a_head_that_is_off_changes_the_translation_beside_the_whole_one(
    visit: Callable[..., Any], site: str
) -> None:
    tab = translated(visit())
    plain = tab.inner_text(".output >> nth=0")
    for place in ("decoder.0.cross", "decoder.1.cross", "decoder.2.cross"):
        tab.click(f'.switches th button:text-is("{place}")')
    off = {f"decoder.{layer}.cross": {"heads": {str(head): 0 for head in range(4)}} for layer in range(3)}
    expected = asked(site, {"text": TEXT, "edit": off})["text"]
    settled(lambda: tab.inner_text(".changed").strip() == expected)
    assert tab.inner_text(".output >> nth=0") == plain != expected
    assert tab.locator(".changed ins").count() > 0
    assert tab.locator('[role=switch][aria-checked="false"]').count() == 12
    tab.wait_for_selector("text=Shown as it is with heads off: 12")
    tab.click("text=Switch all on")
    tab.wait_for_selector(".changed", state="hidden")
    settled(lambda: tab.locator('[role=switch][aria-checked="false"]').count() == 0)
    head = tab.locator('[role=switch][aria-label="encoder.0.self, head 1"]')
    head.focus()
    tab.keyboard.press("Space")
    assert head.get_attribute("aria-checked") == "false"


def test_where_one_method_fails_another_can_be_chosen(visit: Callable[..., Any]) -> None:
    tab = visit(wrong_is_fine=True)  # browsers write every refusal into the console
    fault = {"error": {"code": "no_such_method", "message": "there is none"}}
    tab.route(
        "**/translate",
        lambda route: (
            route.fulfill(status=422, json=fault)
            if "rollout" in route.request.post_data
            else route.continue_()
        ),
    )
    translated(tab)
    tab.check('input[aria-label="rollout"]')
    tab.wait_for_selector("text=This model has no such method")
    assert not tab.is_visible(".flow")
    tab.check('input[aria-label="attention"]')
    tab.wait_for_selector(".flow .below .token")
    assert not tab.is_visible("text=This model has no such method")


def test_an_answer_that_is_cut_off_is_not_shown_as_whole(visit: Callable[..., Any]) -> None:
    tab = visit("%E0%A4", wrong_is_fine=True)  # nor does an address that was cut off leave the page empty
    line = {"kind": "sentence", "number": 0, "of": 2, "text": "Elle", "source": "She.", "gap": " "}
    tab.route("**/stream", lambda route: route.fulfill(body=json.dumps(line) + "\n"))
    tab.fill("textarea", "She. He.")
    tab.wait_for_selector("text=The server cannot be reached")


def test_results_are_saved(visit: Callable[..., Any], tmp_path: Path) -> None:
    tab = translated(visit())
    with tab.expect_download() as saved:
        tab.click("text=Save as HTML")
    page = tmp_path / "seen.html"
    saved.value.save_as(page)
    assert saved.value.suggested_filename == "translation.html"
    text = page.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert TEXT in text
    with tab.expect_download() as saved:
        tab.click("text=JSON")
    saved.value.save_as(tmp_path / "seen.json")
    told = json.loads((tmp_path / "seen.json").read_text("utf-8"))
    assert told["source"] == TEXT
    assert told["sentences"][0]["attention"]


@pytest.mark.parametrize(
    "options", [PHONE, {"viewport": {"width": 280, "height": 600}}, {}], ids=["phone", "tiny", "desk"]
)
def test_no_screen_scrolls_sideways(visit: Callable[..., Any], options: dict[str, Any]) -> None:
    tab = translated(visit(**options), LONG)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if options is PHONE:
        tab.tap(".below .token:nth-child(2)")
        assert max(levels(tab, "above")) == 1
        tab.tap(".below .token:nth-child(2)")
        assert max(levels(tab, "above")) == 0


def test_keys_alone_reach_everything_and_focus_is_seen(visit: Callable[..., Any]) -> None:
    tab = visit()
    tab.keyboard.press("Tab")
    assert tab.inner_text(":focus") == "To the content"
    reached = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.append(
            tab.evaluate(
                """() => {
                  const at = document.activeElement;
                  if (at === document.body) return "end";
                  let seen = at;
                  if (at.matches("input[type=radio]")) seen = at.nextElementSibling;
                  if (at.matches("textarea")) seen = at.closest(".desk");
                  if (getComputedStyle(seen).outlineStyle === "none") return `unseen: ${at.outerHTML}`;
                  return at.closest("fieldset")?.querySelector("legend").textContent ?? at.tagName;
                }"""
            )
        )
        if reached[-1] == "TEXTAREA":
            tab.keyboard.type(TEXT)
            tab.wait_for_selector(".flow .below .token")
    assert not [one for one in reached if one.startswith("unseen")]
    for name in ("Colours", "Search", "TEXTAREA", "Place", "Layer", "Head", "DIV", "BUTTON"):
        assert name in reached, name


def test_every_control_has_a_name(visit: Callable[..., Any]) -> None:
    tab = translated(visit())
    nameless = tab.evaluate(
        """() => [...document.querySelectorAll("button, input, textarea, select, a, [role], [tabindex='0']")]
          .filter((one) => one.offsetParent && !one.matches("[role=presentation]"))
          .filter((one) => !one.matches("[role=status], [role=alert], [role=region]"))
          .filter((one) => !one.getAttribute("aria-label") && !one.textContent.trim()
                           && !one.labels?.[0]?.textContent.trim())
          .map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_a_korean_reader_reads_korean_in_the_dark(visit: Callable[..., Any]) -> None:
    tab = translated(visit(locale="ko-KR", color_scheme="dark"))
    assert tab.get_attribute("html", "lang") == "ko"
    assert tab.inner_text("header nav a >> nth=0") == "번역"
    assert tab.inner_text("textarea + *, .titled h2 >> nth=0")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 21, 24)"
    tab.hover(".below .token:nth-child(2)")
    assert "보는 곳" in tab.inner_text(".readout")


def test_text_of_any_kind_is_shown_as_it_is(visit: Callable[..., Any]) -> None:
    hostile = "<img src=x onerror=alert(1)> <script>alert(2)</script> {name} 한국어 🙂"
    tab = translated(visit(), hostile)
    assert tab.locator("main img, main script").count() == 0
    tab.fill("textarea", "   ")
    settled(lambda: tab.inner_text(".output") == "")

"""The page in real Chromium: what it says, by pointer and by keys, on any screen, alone in the world."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from regard.lens import AttentionMap, PatchGrid, Tokens
from regard.lens.html import Page, Record, page, write

pytestmark = pytest.mark.xdist_group("browser")  # one browser serves all

HOSTILE = "</script><script>alert(1)</script>"
WORDS = ("나는", "오늘", "도서관에서", HOSTILE, "שלום", "مرحبا", "<b>x</b>", "long" * 30, "\n", "end")
SOURCE = ("A", "young", "woman", "reads", ".", "</s>")
TARGET = ("Une", "jeune", "femme", "lit", ".", "</s>")
IMAGE = torch.rand(3, 32, 48, generator=torch.Generator().manual_seed(0))


def softmax(*shape: int, causal: bool = False) -> torch.Tensor:
    logits = 2 * torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))
    if causal:
        logits = logits.masked_fill(torch.ones(shape[-2:]).triu(1) > 0, -torch.inf)
    return torch.softmax(logits, -1)


def translation() -> list[AttentionMap]:
    source, target, read = Tokens(SOURCE), Tokens(TARGET), Tokens(("<s>", *TARGET[:-1]))
    maps = [AttentionMap(f"encoder.{layer}.self", softmax(4, 6, 6), source, source) for layer in range(3)]
    for layer in range(2):
        maps.append(AttentionMap(f"decoder.{layer}.self", softmax(4, 6, 6, causal=True), target, read))
        maps.append(AttentionMap(f"decoder.{layer}.cross", softmax(4, 6, 6) ** (layer + 1), target, source))
    return maps


def over_a_picture() -> list[Record]:
    grid = PatchGrid(4, 6, ("[CLS]",), (32, 48))
    return [
        Record(AttentionMap(f"encoder.{layer}.self", softmax(3, 25, 25), grid, grid), IMAGE)
        for layer in range(2)
    ]


def with_vectors() -> list[Record]:
    axis = Tokens(WORDS)
    query, key = torch.randn(4, 10, 16), torch.randn(2, 10, 16)
    weights = torch.softmax(query @ key.repeat_interleave(2, 0).mT / 4, -1)
    return [Record(AttentionMap("encoder.0.self", weights, axis, axis), query=query, key=key)]


def a_caption() -> AttentionMap:
    return AttentionMap("decoder.cross", softmax(1, 3, 24), Tokens.of(["a", "grey", "cat"]), PatchGrid(4, 6))


SAMPLES: dict[str, Callable[[], Any]] = {
    "translation": translation,
    "picture": over_a_picture,
    "vectors": with_vectors,
    "caption": a_caption,
}


def view(tab: Any, name: str) -> None:
    tab.click(f'[role=tab][data-view="{name}"]')
    tab.wait_for_selector(f'.panel[data-view="{name}"] [data-main]', state="attached")


def choose(tab: Any, name: str) -> None:
    # The button itself lies invisibly over its label.
    tab.check(f'.controls input[aria-label="{name}"]')


def press(tab: Any, *keys: str) -> None:
    for key in keys:
        tab.keyboard.press(key)


def told_share(tab: Any) -> float:
    """The weight that the line above the view tells last."""
    (*_, share) = re.findall(r"([\d.]+)\u2009%", tab.inner_text(".readout"))
    return float(share) / 100


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("width", [1280, 390])
def test_every_view_is_whole_on_any_screen(show: Callable[..., Any], sample: str, width: int) -> None:
    tab = show(SAMPLES[sample](), viewport={"width": width, "height": 844})
    names = tab.eval_on_selector_all("[role=tab]", "tabs => tabs.map((tab) => tab.dataset.view)")
    assert ("heads" in names) == (sample != "caption")  # there is but one head
    assert "map" in names
    for name in names:
        view(tab, name)
        if sample != "caption":
            choose(tab, "head 1")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert tab.inner_text(".panel").strip()
        assert tab.locator(".panel canvas").count() > 0 or name == "steps"
        tab.set_viewport_size({"width": 280, "height": 40})  # a keyboard on a phone leaves no more
        tab.set_viewport_size({"width": width, "height": 844})


@pytest.mark.parametrize("megabytes", [12, 1e-5])
@pytest.mark.parametrize("head", [2, "mean"])
def test_the_heat_map_tells_the_weights_of_the_model(
    show: Callable[..., Any], megabytes: float, head: int | str
) -> None:
    seen = AttentionMap(
        "decoder.0.cross", softmax(3, 4, 14), Tokens.of("abcd"), Tokens.of(f"k{key}" for key in range(14))
    )
    expected = seen.mean() if head == "mean" else seen.weights[head]
    tab = show(seen, megabytes=megabytes)
    view(tab, "map")
    if head != "mean":
        choose(tab, f"head {head}")
    tab.focus(".heat")
    press(tab, "ArrowDown", "ArrowDown", "ArrowDown")
    told_at_most = 0
    for key in range(14):
        weight = float(expected[2, key])
        top = float(expected[2].max())
        text = tab.inner_text(".readout")
        assert text.startswith(f"c → k{key} ")
        if "at most" in text:
            told_at_most += 1
            assert weight <= told_share(tab) + 1e-4
        else:
            rounded = 1e-3 if weight >= 0.1 else 1e-4
            assert told_share(tab) == pytest.approx(weight, abs=rounded / 2 + top / 500 + 1e-6)
        press(tab, "ArrowRight")
    assert told_at_most == (0 if megabytes == 12 else 6)
    assert ("All weights are kept" in tab.inner_text("footer")) == (megabytes == 12)


def test_the_pointer_tells_a_cell_and_lines_tell_who_looks_and_who_is_looked_at(
    show: Callable[..., Any],
) -> None:
    maps = translation()
    tab = show(maps)
    view(tab, "lines")
    choose(tab, "head 3")
    tab.hover(".words.left li:nth-child(2)")
    best = int(maps[0].weights[3, 1].argmax())
    assert tab.inner_text(".readout").startswith(f"young looks at {SOURCE[best]} ")
    shares = tab.eval_on_selector_all(
        ".words.right b", "all => all.map((one) => parseFloat(one.textContent) || 0)"
    )
    assert [share / 100 for share in shares] == pytest.approx(maps[0].weights[3, 1].tolist(), abs=0.011)
    tab.hover(".words.right li:nth-child(3)")
    most = int(maps[0].weights[3, :, 2].argmax())
    assert tab.inner_text(".readout").startswith(f"woman is looked at by {SOURCE[most]} ")
    view(tab, "map")
    box = tab.locator(".heat canvas").bounding_box()
    tab.mouse.move(box["x"] + box["width"] - 3, box["y"] + 3)
    tab.mouse.move(box["x"] + 130, box["y"] + 120)
    assert re.match(r"\S+ → \S+ [\d.]+\u2009%", tab.inner_text(".readout"))


def test_text_of_any_kind_is_shown_as_it_is(show: Callable[..., Any]) -> None:
    tab = show(with_vectors(), title=HOSTILE)
    assert tab.inner_text("h1") == HOSTILE
    assert tab.title() == HOSTILE
    view(tab, "lines")
    labels = tab.eval_on_selector_all(".words.left .token", "all => all.map((one) => one.textContent)")
    assert labels == [word.replace("\n", "↵") for word in WORDS]
    box = tab.locator(".words.left li:nth-child(8) .token").bounding_box()
    assert box["width"] <= 220
    assert box["x"] >= 0
    hebrew = tab.locator(".words.left li:nth-child(5) .token")
    assert hebrew.evaluate("one => getComputedStyle(one).direction") == "rtl"


def test_a_script_from_elsewhere_does_not_run(browser: Any, tmp_path: Path) -> None:
    tab = browser.new_page()
    tab.goto(write(with_vectors(), tmp_path / "seen.html").as_uri())
    blocked = tab.evaluate(
        """() => new Promise((resolve) => {
          document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "window.stolen = true";
          document.body.append(script);
          setTimeout(() => resolve("it ran"), 2000);
        })"""
    )
    assert blocked == "script-src-elem"
    assert tab.evaluate("window.stolen") is None
    tab.close()


def test_keys_alone_reach_everything(show: Callable[..., Any]) -> None:
    tab = show(translation())
    reached = []
    for _ in range(8):
        press(tab, "Tab")
        reached.append(
            tab.evaluate(
                """() => {
                  const at = document.activeElement;
                  const seen = at.matches("input[type=radio]") ? at.nextElementSibling : at;
                  if (getComputedStyle(seen).outlineStyle === "none") return "focus is not seen";
                  const legend = at.closest("fieldset")?.querySelector("legend");
                  return legend?.textContent ?? at.getAttribute("role") ?? at.className;
                }"""
            )
        )
    assert reached[:7] == ["Colours", "help", "Place", "Layer", "Head", "tab", "thumbnail chosen"]
    tab.focus(".thumbnail.chosen")
    press(tab, "ArrowDown", "ArrowRight", "ArrowRight", "Enter")
    tab.wait_for_selector(".lines")
    assert tab.is_checked('input[aria-label="encoder.1.self"]')
    assert tab.is_checked('input[aria-label="head 1"]')
    press(tab, "ArrowDown", "ArrowDown", ".", "]")
    assert tab.is_checked('input[aria-label="head 2"]')
    assert tab.is_checked('input[aria-label="encoder.2.self"]')
    tab.wait_for_selector(".readout:has-text('young looks at')")
    press(tab, "Escape")
    assert "Point at a word" in tab.inner_text(".readout")
    press(tab, "?")
    assert tab.is_visible("dialog")
    press(tab, "Escape")
    assert not tab.is_visible("dialog")
    press(tab, "1")
    tab.wait_for_selector(".overview")
    tab.focus("[role=tab][aria-selected=true]")
    press(tab, "ArrowRight")
    assert tab.get_attribute(":focus", "data-view") == "lines"


def test_a_translation_is_followed_word_by_word(show: Callable[..., Any]) -> None:
    maps = translation()
    tab = show(maps)
    view(tab, "steps")
    assert tab.is_checked('input[aria-label="decoder cross"]')
    tab.focus('.player input[type="range"]')
    press(tab, "ArrowRight", "ArrowRight")
    assert tab.inner_text(".text .now") == "femme"
    assert tab.locator(".text .later").count() == 3
    levels = tab.eval_on_selector_all(
        ".text:first-of-type .lit", "all => all.map((one) => Number(one.style.getPropertyValue('--level')))"
    )
    row = maps[4].mean()[2]
    assert levels == pytest.approx((row / row.max()).tolist(), abs=1e-3)
    own = tab.eval_on_selector_all(
        ".text:last-of-type .lit", "all => all.map((one) => Number(one.style.getPropertyValue('--level')))"
    )
    read = maps[3].mean()[2]  # of <s>, Une, jeune
    assert own == pytest.approx([*(read[1:] / read.max()).tolist(), 0], abs=1e-3)
    press(tab, "Space")
    tab.wait_for_selector(".text .now:text-is('lit')")
    press(tab, "Space")
    assert "Play" in tab.inner_text(".player .play")


def test_a_text_from_right_to_left_is_written_so(show: Callable[..., Any]) -> None:
    hebrew, english = Tokens.of(["<s>", "שלום", "עולם"]), Tokens.of(["hello", "world"])
    tab = show(AttentionMap("decoder.0.cross", softmax(2, 2, 3), english, hebrew))
    view(tab, "steps")
    directions = tab.eval_on_selector_all(".text", "all => all.map((one) => getComputedStyle(one).direction)")
    assert directions == ["rtl", "ltr"]
    first, last = (tab.locator(f".text:first-of-type .lit:nth-child({at})").bounding_box() for at in (2, 3))
    assert first["x"] > last["x"]


def test_words_may_look_at_a_picture_that_is_not_in_the_file(show: Callable[..., Any]) -> None:
    seen = a_caption()
    tab = show(seen)
    assert tab.get_attribute("[role=tab][aria-selected=true]", "data-view") == "picture"
    tab.click(".askers button:has-text('grey')")
    assert tab.inner_text(".readout").startswith("grey looks at 4 × 6 patches: 100\u2009%")
    best = seen.key_axis.labels[int(seen.weights[0, 1].argmax())]
    assert tab.inner_text(".ranking li:first-child .token") == best


def test_a_patch_shows_what_it_looks_at(show: Callable[..., Any]) -> None:
    records = over_a_picture()
    tab = show(records)
    view(tab, "picture")
    assert tab.inner_text(".readout").startswith("[CLS] looks at")
    choose(tab, "head 0")
    box = tab.locator(".stage").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 3.5 / 6, box["y"] + box["height"] * 1.5 / 4)
    assert tab.inner_text(".readout").startswith("1,3 looks at 4 × 6 patches")
    row = records[0].seen.weights[0, 1 + 6 + 3]
    order = row.argsort(descending=True)[:6].tolist()
    labels = records[0].seen.key_axis.labels
    ranked = tab.eval_on_selector_all(".ranking .token", "all => all.map((one) => one.textContent)")
    assert ranked == [labels[key] for key in order]
    # The brightest patch of the heat is the one that is looked at most.
    brightest = tab.evaluate(
        """() => {
          const canvas = document.querySelector(".stage canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const light = (patch) => {
            const x = Math.floor(((patch % 6) + 0.5) * canvas.width / 6);
            const y = Math.floor((Math.floor(patch / 6) + 0.5) * canvas.height / 4);
            const at = 4 * (y * canvas.width + x);
            return data[at] + data[at + 1];
          };
          const all = Array.from({ length: 24 }, (_, patch) => patch);
          return all.reduce((best, patch) => (light(patch) > light(best) ? patch : best));
        }"""
    )
    assert brightest == int(row[1:].argmax())
    tab.focus(".stage")
    tab.mouse.move(2, 2)
    press(tab, "End", "ArrowUp")
    assert tab.inner_text(".readout").startswith("2,5 looks at")


def test_a_score_is_the_product_of_query_and_key(show: Callable[..., Any]) -> None:
    torch.manual_seed(3)
    records = with_vectors()
    tab = show(records)
    view(tab, "products")
    assert "Choose one" in tab.inner_text(".panel")
    choose(tab, "head 2")
    tab.select_option(".panel select", "4")
    query, key = records[0].query, records[0].key
    assert query is not None
    assert key is not None
    scores = key[1] @ query[2, 4]  # heads 2 and 3 share the second key head
    told = tab.eval_on_selector_all(
        ".products tbody tr:not(.asked)",
        "rows => rows.map((row) => [row.querySelector('.token').title, Number(row.cells[3].textContent)])",
    )
    assert len(told) == 10
    expected = dict(zip(WORDS, scores.tolist(), strict=True))
    for word, score in told:
        assert score == pytest.approx(expected[word.replace("↵", "\n")], abs=0.15)


def test_light_and_dark_follow_the_system_until_chosen(show: Callable[..., Any]) -> None:
    tab = show(with_vectors(), color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert tab.evaluate(paper) == "rgb(19, 21, 24)"
    tab.check('input[aria-label="light"]')
    assert tab.evaluate(paper) == "rgb(246, 246, 244)"
    tab.emulate_media(color_scheme="light")
    tab.check('input[aria-label="dark"]')
    assert tab.evaluate(paper) == "rgb(19, 21, 24)"


def test_a_korean_reader_reads_korean(show: Callable[..., Any]) -> None:
    tab = show(translation(), locale="ko-KR")
    assert tab.get_attribute("html", "lang") == "ko"
    assert tab.inner_text("[role=tab][data-view=map]") == "열지도"
    view(tab, "map")
    command = "regard look faithfulness MODEL INPUT… --save"
    assert not re.search(r"[A-Za-z]{3}", tab.inner_text("footer").replace(command, ""))


def test_two_pages_in_a_notebook_do_not_meet(show: Callable[..., Any], tmp_path: Path) -> None:
    pages: list[Page] = [page(translation(), title='"one" <1>'), page(over_a_picture(), title="two")]
    notebook = tmp_path / "notebook.html"
    notebook.write_text("<!doctype html><p>cells</p>" + "".join(one._repr_html_() for one in pages), "utf-8")
    tab = show(with_vectors())
    tab.goto(notebook.as_uri())
    one, two = (tab.frame_locator(f"iframe >> nth={at}") for at in range(2))
    one.locator("[role=tab][data-view=steps]").click()
    two.locator("[role=tab][data-view=picture]").click()
    assert one.locator(".player").is_visible()
    assert two.locator(".stage").is_visible()
    assert one.locator("h1").inner_text() == '"one" <1>'
    assert tab.locator("iframe").first.get_attribute("title") == '"one" <1>'
    # A frame may run its script, but reaches nothing of the notebook.
    assert tab.locator("iframe").first.get_attribute("sandbox") == "allow-scripts"


def test_a_large_model_opens_soon_and_unpacks_only_what_is_looked_at(
    show: Callable[..., Any], tmp_path: Path
) -> None:
    axis = Tokens.of(f"word{position}" for position in range(512))
    # Heads from nearly even to sharp: weights that are all different pack worst.
    sharp = torch.linspace(0.5, 3, 12)[:, None, None]
    weights = torch.softmax(sharp * torch.randn(12, 512, 512, generator=torch.Generator().manual_seed(0)), -1)
    tab = show([AttentionMap(f"encoder.{layer}.self", weights, axis, axis) for layer in range(12)])
    (file,) = tmp_path.glob("*.html")
    assert file.stat().st_size < 15e6
    # Seconds of the page's own thread: other tests run on the same machine at the same time.
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    tab.reload()
    tab.wait_for_selector(".overview")
    metrics = session.send("Performance.getMetrics")["metrics"]
    assert {one["name"]: one["value"] for one in metrics}["TaskDuration"] < 2
    assert tab.evaluate("performance.now()") < 20_000
    packed = "document.querySelectorAll('script[type=\"text/plain\"]').length"
    assert tab.locator(".thumbnail").count() == 12 * 13
    assert tab.evaluate(packed) == 12
    view(tab, "map")
    assert tab.evaluate(packed) == 11
    tab.focus(".heat")
    press(tab, "ArrowDown", "End", "ArrowDown")
    assert tab.inner_text(".readout").startswith("word1 → word0")
    assert "left out" not in tab.inner_text("footer")
    assert "largest weights at most" in tab.inner_text("footer")

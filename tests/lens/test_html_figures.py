"""The page of a long text's figures, and of several inputs, in real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from regard.lens import AttentionMap, Tokens
from regard.lens.html import Record
from regard.lens.summaries import AttentionSummary

pytestmark = pytest.mark.xdist_group("browser")


def figures(heads: int = 2, length: int = 3000) -> AttentionSummary:
    """A text in which every position looks at position 7, and but for that at itself."""
    axis = Tokens.of(f"낱말{at}" for at in range(length))
    received = torch.full((heads, length), 0.4)
    received[:, 7] = 0.6 * length
    top_keys = torch.stack([torch.full((length,), 7), torch.arange(length)], -1).int().expand(heads, -1, -1)
    top_weights = torch.tensor([0.6, 0.4]).expand(heads, length, 2)
    entropy, distance = torch.full((heads, length), 0.97), torch.arange(length).expand(heads, -1).float()
    return AttentionSummary(
        "h.0.attn",
        axis,
        axis,
        received,
        entropy,
        distance,
        torch.full((heads, length), 0.6),
        top_keys,
        top_weights,
    )


@pytest.mark.parametrize("width", [1280, 390])
def test_figures_are_told_by_pointer_and_by_keys(show: Callable[..., Any], width: int) -> None:
    tab = show(figures(), viewport={"width": width, "height": 844})
    tab.click('[role=tab][data-view="figures"]')
    tab.wait_for_selector(".strips canvas")
    first = tab.inner_text(".beside li:first-child")
    assert "낱말7" in first
    assert "60.0\u2009%" in first
    tab.focus(".strips")
    tab.keyboard.press("End")
    assert "낱말7 60.0\u2009%" in tab.inner_text(".readout").replace("\n", "")
    tab.check('.controls input[aria-label="head 1"]')
    canvas = tab.locator(".strips canvas").nth(1)
    canvas.hover(position={"x": 2, "y": 10})
    assert "looks at" in tab.inner_text(".readout")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.locator('[role=tab][data-view="map"]').count() == 0


def test_the_page_is_korean_where_the_browser_is(show: Callable[..., Any]) -> None:
    tab = show(figures(heads=1), locale="ko-KR", color_scheme="dark")
    assert tab.inner_text('[role=tab][data-view="figures"]') == "수치"
    assert "가장 많이 보인 곳" in tab.inner_text(".beside")


def test_inputs_are_chosen_and_stay_apart(show: Callable[..., Any]) -> None:
    def maps(text: str) -> list[Record]:
        axis = Tokens.of(text.split())
        eye = torch.eye(len(axis)).expand(2, -1, -1)
        return [Record(AttentionMap(f"encoder.{at}.self", eye, axis, axis), of=text) for at in (0, 1)]

    tab = show([*maps("the cat sat"), *maps("나는 오늘"), figures()])
    assert tab.locator(".overview tbody tr").count() == 2
    tab.check('.controls input[aria-label="나는 오늘"]')
    tab.click('[role=tab][data-view="lines"]')
    tab.wait_for_selector(".lines")
    assert tab.locator(".words.left .token").all_inner_texts() == ["나는", "오늘"]
    tab.keyboard.press("]")
    assert "2 → 2" in tab.inner_text(".subtitle")

"""What the one-file page says of how faithful its maps are, in real Chromium, place by place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from test_map_faithfulness import KNOWN, a_map

from regard.lens.faithfulness import MapFaithfulness, PlaceFigures

pytestmark = pytest.mark.xdist_group("browser")  # one browser serves all

PLACES = ("encoder.0.self", "decoder.0.cross", "decoder.1.cross")


def told(tab: Any, words: str, *chosen: str) -> str:
    """All that stands below a map, once it says these words: layers are unpacked when they are chosen."""
    for name in chosen:
        tab.check(f'.controls input[aria-label="{name}"]')
    tab.wait_for_function("words => document.querySelector('footer').innerText.includes(words)", arg=words)
    return str(tab.inner_text("footer"))


def opened(show: Callable[..., Any], **options: Any) -> Any:
    tab = show(KNOWN.on(map(a_map, PLACES)), **options)
    tab.click('[role=tab][data-view="map"]')
    return tab


def test_each_place_says_its_figure_or_why_it_has_none(show: Callable[..., Any]) -> None:
    tab = opened(show)
    told(tab, "the rows are no answers of the model", "encoder self")
    found = told(tab, "Inputs: 32 (Tatoeba test)", "decoder cross", "decoder.0.cross")
    assert "leaves 12.5\u2009% of the answer, at random 30.1\u2009% ± 0.40\u2009%" in found
    assert "inserting it brings 42.0\u2009%" in found
    assert "not of this input" in found
    assert "regard look faithfulness MODEL INPUT… --save" in told(tab, "was not measured", "decoder.1.cross")


def test_it_is_said_in_korean(show: Callable[..., Any]) -> None:
    tab = opened(show, locale="ko-KR")
    told(tab, "행이 모델의 답이 아니어서", "encoder self")
    told(tab, "입력 32개(Tatoeba test)와 모든 헤드의 평균", "decoder cross", "decoder.0.cross")
    told(tab, "재지 않았습니다", "decoder.1.cross")


def test_a_map_of_its_own_figure_is_no_mean(show: Callable[..., Any]) -> None:
    figure = KNOWN.figures["decoder.0.cross"]
    mine = PlaceFigures({"decoder.0.cross": MapFaithfulness(figure.deletion, figure.insertion)})
    tab = show(mine.on([a_map("decoder.0.cross")]))
    tab.click('[role=tab][data-view="map"]')
    assert "Inputs:" not in told(tab, "leaves 12.5\u2009%")

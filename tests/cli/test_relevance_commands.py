"""``regard look relevance`` and ``regard look faithfulness``, on small models with random weights."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Regard = Callable[..., Any]
TEXT = "The cat sat on the mat."


def test_maps_come_with_their_faithfulness(regard: Regard, model: Path, tmp_path: Path) -> None:
    for suffix in ("png", "html", "json"):
        ran = regard("look", "relevance", model, TEXT, "--out", tmp_path / f"seen.{suffix}")
        assert ran.code == 0, ran.err
        assert ran.out.count("What each word comes from") == ran.out.count("faithfulness: ") == 2
        assert "faithfulness: deleting as it says leaves" in ran.out
    across = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))[0]
    assert across["name"] == "relevance.cross"
    assert 0 < across["faithfulness"]["methods"]["relevance"]["deletion_area"] < 1
    assert '"faithfulness":{"deletion":{"own":' in (tmp_path / "seen.html").read_text(encoding="utf-8")


def test_methods_are_compared_over_lines_of_a_file(regard: Regard, classifier: Path, tmp_path: Path) -> None:
    lines = tmp_path / "texts.txt"
    lines.write_text(f"{TEXT}\n\nHow are you?\n", encoding="utf-8")
    for out in (tmp_path / "curves.svg", tmp_path / "curves.json"):
        ran = regard("look", "faithfulness", classifier, lines, "--out", out)
        assert ran.code == 0, ran.err
        assert "at random (8 orders)" in ran.out
        assert "2 inputs" in ran.out
    found = json.loads((tmp_path / "curves.json").read_text(encoding="utf-8"))
    assert list(found["methods"]) == ["attention", "rollout", "gradient", "relevance"]


def test_plain_attention_says_that_it_was_not_measured(regard: Regard, model: Path) -> None:
    assert "was not measured" in regard("look", "attention", model, TEXT).err


def test_flow_shows_how_far_it_is(regard: Regard, model: Path) -> None:
    ran = regard("look", "relevance", model, "The cat.", "--method", "flow")
    assert ran.code == 0, ran.err
    assert "Finding maximum flows" in ran.err
    assert "Finding maximum flows" not in regard("look", "relevance", model, "The cat.").err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("relevance", "MODEL", TEXT, "--method", "x"), "--method x: there are attention"),
        (("relevance", "MODEL", "  "), "the text is empty"),
        (("relevance", "MODEL", "\u200b"), "the text is empty"),
        (("relevance", "MODEL", TEXT, "--out", "seen.txt"), "ends in .png"),
        (("faithfulness", "MODEL", TEXT, "--out", "x.html"), "curves are saved as .png"),
        (
            ("relevance", "MODEL", "One. Two.", "--out", "seen.html", "--method", "flow"),
            "a page shows one sentence",
        ),
        (("faithfulness", "MODEL", ""), "there is no text"),
        (("faithfulness", "MODEL", os.devnull), "there is no text"),
        (("faithfulness", "MODEL", "no-such.txt"), "no-such.txt: there is no such file"),
        (("relevance", "BOTTLENECK", TEXT), "no attention"),
    ],
)
def test_errors_are_plain(
    regard: Regard, model: Path, bottleneck: Path, arguments: tuple[str, ...], told: str
) -> None:
    places = {"MODEL": model, "BOTTLENECK": bottleneck}
    ran = regard("look", *(places.get(one, one) for one in arguments))
    assert ran.code == 2
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_too_much_for_flow_is_told(regard: Regard, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.tasks.explanation.methods._MOST_FLOW", 8)
    ran = regard("look", "relevance", model, TEXT, "--method", "flow")
    assert ran.code == 2
    assert "take rollout, or a shorter input" in ran.err


def test_pictures_that_cannot_be_read_are_passed_over(regard: Regard, tmp_path: Path) -> None:
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    ran = regard("look", "faithfulness", "digits", tmp_path, "--method", "attention")
    assert ran.code == 0
    assert "Skipped: " in ran.err
    assert "one input" in ran.out or "1 input" in ran.out

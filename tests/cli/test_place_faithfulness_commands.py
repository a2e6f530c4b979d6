"""Figures of places: measured once, stored with the model, and told below every map of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regard.lens.faithfulness import Area, MapFaithfulness, PlaceFigures
from regard.tasks.explanation.places import record_of
from regard.tasks.folder import add_metrics, read_metrics

Regard = Callable[..., Any]
TEXT = "The cat sat on the mat."
STORED = MapFaithfulness(Area(0.125, 0.3, 0.004), Area(0.4, 0.3, 0.006), 32, "some texts")
TOLD = "over 32 inputs (some texts) and not of this one: deleting as it says leaves 12.5 % of the answer"
COMMAND = "regard look faithfulness MODEL INPUT… --save"


@pytest.fixture
def copied(model: Path, tmp_path: Path) -> Path:
    """A translator of which nothing was measured."""
    return Path(shutil.copytree(model, tmp_path / "model"))


@pytest.fixture
def measured(copied: Path) -> Path:
    """One of which one place was."""
    add_metrics(copied, record_of(PlaceFigures({"decoder.1.cross": STORED})))
    return copied


def test_places_are_measured_and_stored(regard: Regard, copied: Path, tmp_path: Path) -> None:
    lines = tmp_path / "texts.txt"
    lines.write_text(f"{TEXT}\nHow are you?\nThe dog saw the cat.\n", encoding="utf-8")
    places = ["decoder.0.self", "decoder.0.cross", "decoder.1.self", "decoder.1.cross"]
    for arguments, data in ((("--count", "2"), "texts.txt"), (("--on", "held out", "--force"), "held out")):
        ran = regard("look", "faithfulness", copied, lines, "--save", *arguments)
        assert ran.code == 0, ran.err
        assert [line.split()[0] for line in ran.out.splitlines()[1:5]] == places
        assert "Stored the figures of 4 places with the model" in ran.err
        stored = read_metrics(copied)["faithfulness"]
        assert list(stored) == places
        inputs = 2 if data == "texts.txt" else 3
        assert {one["data"] for one in stored.values()} == {data}
        refused = regard("look", "faithfulness", copied, "a cat", "--save")
        assert (refused.code, "--force" in refused.err) == (2, True)
        assert read_metrics(copied)["faithfulness"] == stored
        # Before an answer of one token nothing had been written that could be taken away.
        assert stored["decoder.0.self"]["inputs"] <= stored["decoder.0.cross"]["inputs"] == inputs
        assert all(0 < one["deletion"]["own"] < 1 for one in stored.values())
    ran = regard("translate", TEXT, "--model", copied, "--look")
    assert "over 3 inputs (held out) and not of this one" in ran.out
    assert COMMAND not in ran.err


@pytest.mark.parametrize("command", ["look", "translate"])
def test_figures_are_told_below_the_maps(regard: Regard, measured: Path, command: str) -> None:
    given = (TEXT, "--model", measured, "--look") if command == "translate" else ("attention", measured, TEXT)
    ran = regard(command, *given)
    assert ran.code == 0, ran.err
    assert ran.out.count(TOLD) == 1
    assert "not measured" not in ran.out + ran.err
    ran = regard(command, *given, "--at", "*", "--head", "1")
    assert ran.out.count(TOLD) == 1
    assert ran.out.count("faithfulness: not measurable, its rows are no answers") == 2  # the encoder's
    told = "of decoder.0.self head 1, decoder.0.cross head 1, decoder.1.self head 1 was not measured"
    assert told in ran.err
    assert COMMAND in ran.err


def test_files_have_them_too(regard: Regard, measured: Path, tmp_path: Path) -> None:
    for suffix in ("json", "html", "svg", "png"):
        out = tmp_path / f"seen.{suffix}"
        assert (
            regard("look", "attention", measured, TEXT, "How are you?", "--at", "*", "--out", out).code == 0
        )
    maps = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert len(maps) == 12
    for seen in maps:
        place = seen["name"].split(": ")[1]
        if place == "decoder.1.cross":
            assert seen["faithfulness"] == STORED.to_json()
        else:
            assert seen["faithfulness"] is None
            no_answers = place.startswith("encoder")
            assert seen["unmeasured"] == ("its rows are no answers" if no_answers else "not measured")
    page = (tmp_path / "seen.html").read_text(encoding="utf-8")
    assert page.count('"data":"some texts"') == 2
    assert page.count('"unmeasured":"its rows are no answers"') == 4
    assert regard("translate", TEXT, "--model", measured, "--look", tmp_path / "one.html").code == 0
    assert '"data":"some texts"' in (tmp_path / "one.html").read_text(encoding="utf-8")


def test_models_of_which_nothing_was_measured_say_how_to(regard: Regard, copied: Path) -> None:
    ran = regard("look", "attention", copied, TEXT)
    assert "the faithfulness of decoder.1.cross was not measured" in ran.err
    assert COMMAND in ran.err


def test_a_picture_has_the_figure_of_its_place(
    regard: Regard, tmp_path: Path, trained: dict[str, Path]
) -> None:
    import numpy as np
    from toy_pictures import blob, save

    folder = tmp_path / "pictures"
    for number in range(2):
        save(folder / f"{number}.png", blob(np.random.default_rng(number), 22)[0])
    vit = Path(shutil.copytree(trained["image-classification"], tmp_path / "vit"))
    assert regard("look", "faithfulness", vit, folder, "--save").code == 0
    one = folder / "0.png"
    for suffix in ("png", "html", "json"):
        out = tmp_path / f"seen.{suffix}"
        ran = regard("classify", vit, one, "--at", "*", "--look", out)
        assert ran.code == 0, ran.err
        assert "over 2 inputs (pictures) and not of this one" in ran.out
        ran = regard("look", "attention", vit, one, "--out", out, "--force")
        assert "over 2 inputs (pictures) and not of this one" in ran.out
    assert '"data":"pictures"' in (tmp_path / "seen.html").read_text(encoding="utf-8")
    gates = regard("look", "attention", trained["segmentation"], one)
    assert "its rows are no answers" in gates.out


def test_places_are_compared_beside_methods(regard: Regard, classifier: Path, tmp_path: Path) -> None:
    out = tmp_path / "curves.json"
    ran = regard(
        "look", "faithfulness", classifier, TEXT, "--place", "encoder.0.*", "--place", "*.1.*", "--out", out
    )
    assert ran.code == 0, ran.err
    names = ["attention", "rollout", "gradient", "relevance", "encoder.0.self", "encoder.1.self"]
    found = json.loads(out.read_text(encoding="utf-8"))["methods"]
    assert list(found) == names
    assert found["attention"] == found["encoder.1.self"]
    assert all(name in ran.out for name in names)


def test_no_more_is_drawn_than_can_be_told_apart(
    regard: Regard, language_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.lens.faithfulness.MOST_DRAWN", 3)
    out = tmp_path / "curves.svg"
    ran = regard("look", "faithfulness", language_model, "The cat", "--place", "*", "--out", out)
    assert ran.code == 0, ran.err
    assert "Drawn are the 3 whose deletion curves lie lowest" in ran.err
    assert out.stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            (TEXT, "--place", "encoder.*"),
            "encoder.0.self, encoder.1.self: the rows are no answers of the model",
        ),
        ((TEXT, "--place", "decoder.*.self"), "what had been written is not the source"),
        ((TEXT, "--place", "x"), "no attention matches 'x'"),
        ((TEXT, "--save", "--place", "*"), "--save measures every place by itself"),
        ((TEXT, "--save", "--out", "x.png"), "--save measures every place by itself"),
        ((TEXT, "--on", "texts"), "it goes with --save"),
        (("no-such.txt",), "no-such.txt: there is no such file"),
        (("no-such.tsv",), "no-such.tsv: there is no such file"),
        (("no-such.PNG",), "no-such.PNG: there is no such file"),
        (("no/such",), "no/such: there is no such file"),
        (("./",), "./: this is a folder"),
    ],
)
def test_errors_are_plain(regard: Regard, model: Path, arguments: tuple[str, ...], told: str) -> None:
    ran = regard("look", "faithfulness", model, *arguments)
    assert ran.code == 2
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_a_text_that_only_resembles_a_path_is_a_text(regard: Regard, model: Path) -> None:
    assert regard("look", "faithfulness", model, "The cat and/or the mat.", "--method", "attention").code == 0


def test_models_without_attention_say_so_at_once(regard: Regard, bottleneck: Path) -> None:
    ran = regard("look", "faithfulness", bottleneck, TEXT, "How are you?")
    assert ran.code == 2
    assert "this model has no attention that its answers are read from" in ran.err
    assert "Skipped" not in ran.err

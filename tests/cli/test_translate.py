"""``regard translate``."""

import io
import json
import sys
from pathlib import Path

import pytest

from regard import load

from .conftest import Regard


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> object:
    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


def test_a_text(regard: Regard, model: Path) -> None:
    text = "The cat sat on the mat."
    ran = regard("translate", text, "--model", model, "--beam", 2)
    assert ran == (0, load(model)(text, beam=2).text + "\n", "")


def test_lines_in_lines_out(regard: Regard, model: Path, feed) -> None:  # type: ignore[no-untyped-def]
    lines = ["The cat.", "", "How are you? The dog saw the cat.", " \u200b"] * 4
    feed("\n".join(lines).encode())
    ran = regard("translate", "--model", model, "--beam", 1)
    translator = load(model)
    assert ran.out.splitlines() == [translator(line, beam=1).text for line in lines]
    assert ran.out.splitlines()[1::2] == [""] * 8
    assert "16 lines translated" in ran.err


def test_json_is_a_line_for_each_line(regard: Regard, model: Path, feed) -> None:  # type: ignore[no-untyped-def]
    feed(b"The cat.\nThe dog.\n")
    ran = regard("translate", "--model", model, "--json", "--n-best", 2, "--beam", 3)
    records = [json.loads(line) for line in ran.out.splitlines()]
    assert [len(record["n_best"]) for record in records] == [2, 2]
    assert records[0]["text"] == records[0]["n_best"][0]["text"]
    assert records[0]["source_tokens"][-1] == "</s>"


def test_n_best_has_scores(regard: Regard, model: Path) -> None:
    out = regard("translate", "The cat.", "--model", model, "--n-best", 3).out
    scores = [float(line.split("\t")[0]) for line in out.splitlines()]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_n_best_of_lines_have_their_numbers(regard: Regard, model: Path, feed) -> None:  # type: ignore[no-untyped-def]
    feed(b"The cat.\n\nThe dog saw the cat.\n")
    ran = regard("translate", "--model", model, "--n-best", 2, "--beam", 3)
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert [row[0] for row in rows] == ["1", "1", "3", "3"]
    results = load(model)(["The cat.", "The dog saw the cat."], n_best=2, beam=3)
    found = [one for result in results for one in result.n_best]
    assert [row[1:] for row in rows] == [[f"{one.score:.4f}", one.text] for one in found]


def test_n_best_of_a_text_of_lines_are_a_line_each(regard: Regard, model: Path) -> None:
    out = regard("translate", "The cat.\n\nThe dog.", "--model", model, "--n-best", 2).out
    assert [len(line.split("\t")) for line in out.splitlines()] == [2, 2]


def test_a_bad_line_is_named_and_lines_before_it_are_translated(  # type: ignore[no-untyped-def]
    regard: Regard, model: Path, feed
) -> None:
    feed(b"The cat.\n\xff\n")
    ran = regard("translate", "--model", model)
    assert ran.code == 2
    assert "standard input, line 2: not valid UTF-8" in ran.err
    assert len(ran.out.splitlines()) == 1


def test_one_line_is_one(regard: Regard, model: Path, feed) -> None:  # type: ignore[no-untyped-def]
    feed(b"The cat.\n")
    assert regard("translate", "--model", model).err.startswith("1 line translated in ")


def test_looking_in_the_terminal(regard: Regard, model: Path) -> None:
    out = regard("translate", "The cat sat.", "--model", model, "--look", "--word", "sat").out
    assert "decoder.1.cross · mean of 2 heads" in out
    assert "encoder.1.self · mean of 2 heads" in out
    rows = out.splitlines()
    assert [row.split()[0] for row in rows[-2:]] == ["sat", "faithfulness:"]


def test_looking_into_files_never_overwrites_unasked(regard: Regard, model: Path, tmp_path: Path) -> None:
    picture, numbers = tmp_path / "map.png", tmp_path / "map.json"
    command = ("translate", "The cat sat.", "--model", model, "--look")
    assert regard(*command, picture).code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    refused = regard(*command, picture)
    assert (refused.code, refused.out) == (2, "")
    assert "--force" in refused.err
    assert regard(*command, picture, "--force").code == 0
    assert regard(*command, numbers, "--head", 1, "--at", "*.cross", "--subwords").code == 0
    maps = json.loads(numbers.read_text())
    assert [seen["name"] for seen in maps] == ["decoder.0.cross head 1", "decoder.1.cross head 1"]
    assert maps[0]["keys"] == ["The", "cat", "sat", ".", "</s>"]


def test_a_page_has_every_place(regard: Regard, model: Path, tmp_path: Path) -> None:
    text, page = "The <cat> sat on the mat.", tmp_path / "map.html"
    assert regard("translate", text, "--model", model, "--look", page).code == 0
    written = page.read_text(encoding="utf-8")
    assert "<title>The &lt;cat&gt; sat on the mat." in written
    assert all(f'"{name}"' in written for name in load(model)(text).attention)
    assert regard("translate", text, "--model", model, "--look", page).code == 2
    one = tmp_path / "one.html"
    place = "decoder.0.cross"
    assert regard("look", "attention", model, text, "--at", place, "--out", one).code == 0
    assert place in one.read_text(encoding="utf-8")
    assert "decoder.0.self" not in one.read_text(encoding="utf-8")
    two = regard("translate", "The cat. The dog.", "--model", model, "--look", tmp_path / "two.html")
    assert (two.code, "one sentence" in two.err) == (2, True)


def test_several_sentences_have_a_map_each(regard: Regard, model: Path) -> None:
    out = regard("translate", "The cat sat. How are you?", "--model", model, "--look").out
    assert out.count("decoder.1.cross") == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--look", "--word", "bird"], "no 'bird' among: The cat"),
        (["--look", "--at", "nowhere"], "no attention matches 'nowhere'; this model has: encoder.0.self"),
        (["--look", "--head", "7"], "there is no head 7"),
        (["--word", "bird"], "no 'bird' among: The cat"),
        (["--at", "nowhere"], "no attention matches 'nowhere'"),
        (["--look=map.jpeg"], "ends in .png"),
        (["--look", "map.jpeg"], "ends in .png"),
        (["--look", "--json"], "--look map.json"),
        (["--head", "0", "--json"], "--look map.json"),
        (["--look=missing/map.png"], "there is no folder missing"),
        (["--n-best", "9", "--beam", "2"], "n_best (9) is more than beam (2)"),
    ],
)
def test_what_cannot_be_done_is_said(regard: Regard, model: Path, options: list[str], words: str) -> None:
    ran = regard("translate", "The cat.", "--model", model, *options)
    assert ran.code == 2
    assert ran.out == ""
    assert words in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("options", [["--word", "cat"], ["--at", "*.cross"], ["--head", 1], ["--subwords"]])
def test_who_says_what_to_look_at_looks(regard: Regard, model: Path, options: list[object]) -> None:
    assert "decoder.1.cross" in regard("translate", "The cat.", "--model", model, *options).out


def test_a_word_is_looked_for_in_every_sentence(regard: Regard, model: Path, tmp_path: Path) -> None:
    numbers = tmp_path / "maps.json"
    text = "The cat sat on the mat. How are you? The dog saw the cat."
    ran = regard("translate", text, "--model", model, "--look", numbers, "--word", "cat")
    assert ran.code == 0, ran.err
    names = [(seen["name"], len(seen["queries"])) for seen in json.loads(numbers.read_text())]
    assert [row for row in names if row[0] == "encoder.1.self"] == [("encoder.1.self", 1)] * 2
    assert [name for name, _ in names].count("decoder.1.cross") == 3
    ran = regard("translate", text, "--model", model, "--word", "bird")
    assert (ran.code, ran.out) == (2, "")
    assert "no 'bird' among: The cat sat on the mat . </s> How" in ran.err


def test_a_word_is_found_whatever_its_case_at_one_place_or_many(regard: Regard, model: Path) -> None:
    for at, count in (("encoder.0.*", 1), ("encoder.*", 2), ("*", 2)):
        ran = regard("translate", "The cat.", "--model", model, "--at", at, "--word", "CAT")
        assert ran.out.count("What 'cat' attended to") == count


@pytest.mark.parametrize("text", ["", "  ", "\u200b\ufeff"])
def test_nothing_is_to_be_seen_in_an_empty_text(regard: Regard, text: str) -> None:
    ran = regard("translate", text, "--model", "no-such-model", "--look")
    assert (ran.code, ran.err) == (2, "regard: nothing to look at: the text is empty\n")


def test_where_to_look_is_checked_before_the_model_works(
    regard: Regard, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regard.tasks.text.translator import Translator

    monkeypatch.setattr(Translator, "__call__", lambda *_, **__: pytest.fail("it worked in vain"))
    ran = regard("translate", "The cat.", "--model", model, "--at", "nowhere")
    assert (ran.code, "no attention matches" in ran.err) == (2, True)


def test_a_model_without_attention_says_so(regard: Regard, bottleneck: Path) -> None:
    ran = regard("translate", "The cat.", "--model", bottleneck, "--look")
    assert (ran.code, "no attention to look at" in ran.err) == (2, True)


def test_a_model_of_another_task_is_refused(regard: Regard, language_model: Path) -> None:
    ran = regard("translate", "The cat.", "--model", language_model)
    assert ran.code == 2
    assert "language-modelling" in ran.err


def test_look_wants_a_text(regard: Regard, model: Path) -> None:
    assert "--look shows one text" in regard("translate", "--model", model, "--look").err

"""``regard look`` on several inputs, on models of Hugging Face, on long texts; and what heads do."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Regard


def manifest(path: Path) -> dict[str, object]:
    found = re.search(r'id="regard-manifest">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert found
    return dict(json.loads(found[1]))


def test_attention_need_not_be_named(
    regard: Regard, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, long = regard("look", model, "The cat."), regard("look", "attention", model, "The cat.")
    assert short.code == 0
    assert short.out == long.out
    assert (
        regard("look", "--at", "encoder.0.self", model, "The cat.").out.strip().startswith("What each word")
    )
    # A folder that is called as a command is.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "positions").symlink_to(model)
    assert regard("look", "./positions", "The cat.").out == short.out
    assert "Missing argument" in regard("look", "positions").err
    none = regard("look", "no-model", "The cat.")
    assert none.code == 2
    assert "neither a model folder nor a model that ships" in none.err
    assert "attention" in regard("look", "--help").out


def test_several_inputs_are_in_one_page(regard: Regard, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen.html"
    ran = regard("look", model, "The cat.", "The dog. The cat.", "--out", out)
    assert ran.code == 0
    assert ran.out.count("What each word attended to") == 3  # each sentence is read by itself
    places = manifest(out)["records"]
    assert isinstance(places, list)
    assert list(dict.fromkeys(one["of"] for one in places)) == ["The cat.", "The dog.", "The cat. (2)"]
    saved = tmp_path / "seen.json"
    assert regard("look", model, "The cat.", "The dog.", "--word", "dog", "--out", saved).code == 0
    names = [one["name"] for one in json.loads(saved.read_text())]
    assert names == [
        "The cat.: decoder.1.cross", "The dog.: decoder.1.cross", "The dog.: encoder.1.self"
    ]  # fmt: skip


def test_heads_are_of_one_sentence_and_in_a_file_of_their_own(
    regard: Regard, model: Path, tmp_path: Path
) -> None:
    heads, out = tmp_path / "heads.png", tmp_path / "seen.json"
    for given, said in (
        (("The dog. The cat.",), "--heads draws one sentence or picture and 2 are given"),
        (("The cat.", "--at", "decoder.*.cross"), "--heads draws one place and 2 are meant"),
    ):
        refused = regard("look", model, *given, "--heads", heads, "--out", out)
        assert (refused.code, heads.exists(), out.exists()) == (2, False, False)
        assert said in refused.err
    (tmp_path / "link").symlink_to(tmp_path)
    both = regard("look", model, "The cat.", "--heads", heads, "--out", tmp_path / "link" / "heads.png")
    assert (both.code, heads.exists()) == (2, False)
    assert "--out and --heads would both write this file" in both.err


def test_a_model_of_hugging_face_has_every_view(regard: Regard, bert: str, tmp_path: Path) -> None:
    ran = regard("look", bert, "The cat saw 나는.", "--word", "cat", "--head", "1")
    assert ran.code == 0
    assert "What 'cat' attended to, in % (encoder.layer.1.attention.self head 1)" in ran.out
    assert re.search(r"\[CLS\].*나는.*\[SEP\]", ran.out)
    assert regard("look", bert, "--names").out.split() == [
        f"encoder.layer.{layer}.attention.self" for layer in (0, 1)
    ]
    for suffix in (".html", ".png", ".svg", ".json"):
        assert regard("look", bert, "The cat.", "--out", tmp_path / f"a{suffix}").code == 0
        assert (tmp_path / f"a{suffix}").stat().st_size > 500
    assert regard("look", bert, "The cat.", "--heads", tmp_path / "heads.png").code == 0
    assert regard("look", bert, "The cat.", "--at", "layer.7").code == 2
    refused = regard("evaluate", bert)
    assert (refused.code, "looked into, not evaluated" in refused.err) == (2, True)


def test_a_picture_in_a_model_of_hugging_face(regard: Regard, vit: str, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8)).save(picture)
    for suffix in (".html", ".png", ".json"):
        assert regard("look", vit, picture, "--out", tmp_path / f"seen{suffix}").code == 0
    assert manifest(tmp_path / "seen.html")["pictures"]
    both = regard("look", vit, picture, picture, "--out", tmp_path / "both.html")
    assert both.code == 0
    records = manifest(tmp_path / "both.html")["records"]
    assert isinstance(records, list)
    assert {one["of"] for one in records} == {"a.png", "a.png (2)"}


def test_figures_instead_of_weights(regard: Regard, bert: str, model: Path, tmp_path: Path) -> None:
    ran = regard("look", bert, "The cat sat on the mat.", "--summary", "--out", tmp_path / "f.json")
    assert ran.code == 0
    assert ran.out.strip().startswith("encoder.layer.1.attention.self · ")
    found = json.loads((tmp_path / "f.json").read_text())
    assert [one["name"] for one in found] == [f"encoder.layer.{layer}.attention.self" for layer in (0, 1)]
    assert sum(key["share"] for key in found[0]["heads"][0]["received"]) == pytest.approx(1, abs=1e-4)
    for name in ("f.png", "f.html"):
        assert regard("look", bert, "The cat sat.", "--summary", "--out", tmp_path / name).code == 0
    refused = regard("look", model, "The cat.", "--summary")
    assert refused.code == 2
    assert "--summary is for long texts" in refused.err


def test_what_heads_do(regard: Regard, model: Path, bert: str, tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("The cat sat on the mat.\n\nThe dog saw the cat.\n")
    ran = regard("look", "heads", model, "--file", lines, "--json", "--out", tmp_path / "heads.csv")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert found["inputs"] == 2
    assert len(found["heads"]) == 12  # 2 layers, 2 heads, three kinds
    assert all(0 <= head["share"] <= 1 and 0 <= head["relative_entropy"] <= 1.0001 for head in found["heads"])
    rows = list(csv.DictReader((tmp_path / "heads.csv").open()))
    assert [(row["place"], int(row["head"])) for row in rows] == [
        (head["place"], head["head"]) for head in found["heads"]
    ]
    shown = regard("look", "heads", bert, "The cat sat.", "--out", tmp_path / "heads.png")
    assert shown.out.startswith("place")
    assert (tmp_path / "heads.png").stat().st_size > 1000
    assert "nothing to look at" in regard("look", "heads", model).err
    assert "cannot read this file" in regard("look", "heads", model, "--file", tmp_path / "none").err

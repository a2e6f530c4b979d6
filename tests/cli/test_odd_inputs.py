"""Inputs that make no sense, for the commands that look at heads: one plain error each, and no harm."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from regard.cli import main
from regard.tasks.text.translator import Translator

from .conftest import Ran, Regard

LONG = "The cat sat on the mat and " * 400


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture, a text, its translation, and what is none of these."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 24, 3), np.uint8)).save("a.png")
    Path("en.txt").write_text("The cat sat on the mat.\n\nThe dog saw the cat.\n나는 🐈\n", encoding="utf-8")
    Path("fr.txt").write_text("Le chat s'est assis.\n\n\nle chat 나는\n", encoding="utf-8")
    Path("binary.txt").write_bytes(bytes(range(256)))
    Path("empty.txt").write_bytes(b"")
    return tmp_path


def refused(ran: Ran, told: str) -> None:
    """The command says one thing in one line, and nothing else."""
    assert ran.code == 2, ran
    assert ran.out == ""
    lines = [line for line in ran.err.splitlines() if "Nobody has measured" not in line]
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("regard: ")
    assert told in lines[0]


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, no translator may work."""

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("a model worked for nothing")

    return lambda: monkeypatch.setattr(Translator, "_translate", never)


ALIGN = ("--source", "en.txt", "--target", "fr.txt")


def test_any_letters_are_aligned(regard: Regard, model: Path, here: Path) -> None:
    ran = regard("align", model, *ALIGN, "--heads", "decoder.0.cross:1", "--out", "links.txt")
    assert ran.code == 0
    links = Path("links.txt").read_text().split("\n")
    assert [bool(line) for line in links] == [True, False, False, True, False]
    as_json = regard("align", model, *ALIGN, "--heads", "decoder.0.cross:1", "--json").out.splitlines()
    assert [" ".join(f"{one}-{other}" for one, other in json.loads(line)) for line in as_json] == links[:4]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--heads", "garbage"), "'garbage' names no head"),
        (("--heads", "decoder.0.cross:0,"), "'' names no head"),
        (("--heads", "decoder.0.cross:-1"), "'decoder.0.cross:-1' names no head"),
        (("--heads", "decoder.0.cross:2"), "decoder.0.cross has heads 0 to 1; there is no head 2"),
        (("--heads", "decoder.9.cross:0"), "'decoder.9.cross' is no place that looks at the source"),
        (("--heads", "encoder.0.self:0"), "'encoder.0.self' is no place that looks at the source"),
        (("--by", "sideways"), "--by sideways"),
        (("--by", "input"), "--by goes with --heads"),
        (("--by", "output", "--reference", "empty.txt"), "--by goes with --heads"),
        (("--out", "fr.txt"), "there is such a file already"),
        (("--out", "fr.txt", "--force"), "is read by this command"),
        (("--out", "./en.txt", "--force"), "is read by this command"),
        (("--out", "none/links.txt"), "there is no folder none"),
        (("--out", "."), "is a folder"),
        (("--save",), "--save stores the heads"),
        (("--reference", "none.txt"), "cannot read the alignments"),
        (("--reference", "."), "cannot read the alignments"),
        (("--reference", "binary.txt"), "not UTF-8"),
        (("--reference", "en.txt"), "'The' is no link"),
        (("--reference", "empty.txt"), "the reference has 0 lines for 4 pairs"),
        (("--reference", "empty.txt", "--both"), "--reference measures heads one by one"),
        (("--reference", "empty.txt", "--out", "links.txt"), "leave out --heads and --out"),
    ],
)
def test_aligning_what_cannot_be(
    regard: Regard, model: Path, here: Path, options: tuple[str, ...], told: str
) -> None:
    before = {path: path.read_bytes() for path in here.iterdir()}
    refused(regard("align", model, *ALIGN, *options), told)
    assert {path: path.read_bytes() for path in here.iterdir()} == before


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("none.txt", "cannot read this file"),
        (".", "cannot read this file: Is a directory"),
        ("binary.txt", "binary file"),
        ("a.png", "a.png, line 1: not valid UTF-8"),
        ("empty.txt", "en.txt has 4 lines and empty.txt 0"),
    ],
)
def test_files_that_are_no_translations(
    regard: Regard, model: Path, here: Path, target: str, told: str
) -> None:
    refused(regard("align", model, "--source", "en.txt", "--target", target), told)


def test_aligning_by_models_that_cannot(
    regard: Regard, bottleneck: Path, classifier: Path, trained: dict[str, Path], bert: str, here: Path
) -> None:
    refused(regard("align", bottleneck, *ALIGN), "does not look at its source")
    for other in (classifier, trained["segmentation"]):
        refused(regard("align", other, *ALIGN), "a model for translation is needed")
    refused(regard("align", bert, *ALIGN), "translation")
    assert regard("align", bottleneck, "--source", "empty.txt", "--target", "empty.txt").code == 2


def test_heads_of_every_kind_of_model(
    regard: Regard,
    model: Path,
    bottleneck: Path,
    language_model: Path,
    classifier: Path,
    trained: dict[str, Path],
    pictures: Path,
    bert: str,
    here: Path,
) -> None:
    rank = ("--examples", 2, "--json")
    two = ("--source", "en.txt", "--target", "fr.txt")
    found = json.loads(regard("heads", model, *two, *rank).out)
    assert {one["place"] for one in found["heads"]} >= {"encoder.0.self", "decoder.1.cross"}
    assert json.loads(regard("heads", language_model, "en.txt", *rank).out)["heads"]
    for task, folder in (("image-classification", "classes"), ("segmentation", "masks")):
        assert json.loads(regard("heads", trained[task], pictures / folder / "test", *rank).out)["heads"]
    refused(regard("heads", bert, "en.txt"), "of a model of another library nobody knows what its task loses")
    refused(regard("heads", bottleneck, *two), "attention ran at no place")
    refused(regard("heads", trained["denoising"], pictures / "parts" / "test"), "attention ran at no place")
    refused(regard("heads", model, *two, "--at", "nothing.*"), "no head to switch off at 'nothing.*'")
    refused(regard("heads", model, "--source", "en.txt"), "--source and --target go together")
    refused(regard("heads", classifier, *two), "--source and --target are for translators")
    refused(regard("heads", model, "a.png"), "a.png")
    refused(regard("heads", classifier, "a.png"), "a.png")
    refused(regard("heads", trained["segmentation"], "en.txt"), "en.txt")
    refused(regard("heads", model, "no-such-set"), "no-such-set")
    refused(regard("heads", model, *two, "--out", "heads.html"), "a picture ends in .png, .svg or .pdf")


def test_a_picture_of_the_data_is_not_drawn_over(
    regard: Regard, trained: dict[str, Path], pictures: Path, here: Path
) -> None:
    inside = pictures / "classes" / "test" / "dark" / "18.png"
    before = inside.read_bytes()
    place = inside.parent.parent
    ran = regard("heads", trained["image-classification"], place, "--out", inside, "--force")
    refused(ran, "is read by this command")
    assert inside.read_bytes() == before


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        (("",), "nothing to look at"),
        (("  ", "\t"), "nothing to look at"),
        (("--file", "empty.txt"), "nothing to look at"),
        (("--file", "binary.txt"), "binary file"),
        (("--file", "."), "cannot read this file: Is a directory"),
        (("a.png",), "a.png: is a file, and this model reads the text that stands here"),
        (("The cat.", "--out", "f.txt"), "ends in .png"),
        (("The cat.", "--out", "none/f.csv"), "there is no folder none"),
        (("--file", "table.csv", "--out", "table.csv", "--force"), "is read by this command"),
    ],
)
def test_what_no_model_of_texts_reads(
    regard: Regard, model: Path, bert: str, here: Path, inputs: tuple[str, ...], told: str
) -> None:
    Path("table.csv").write_text("The cat.\n")
    for one in (model, bert):
        refused(regard("look", "heads", one, *inputs), told)
    assert Path("table.csv").read_text() == "The cat.\n"


def test_heads_over_texts_of_any_letters(
    regard: Regard, model: Path, language_model: Path, classifier: Path, bert: str, here: Path
) -> None:
    for one in (model, language_model, classifier, bert):
        ran = regard("look", "heads", one, "cat", "나는 오늘", "🐈‍⬛ 🇰🇷", "--json")
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["inputs"] == 3
    for one in (model, classifier):
        assert regard("look", "heads", one, LONG).code == 0  # in pieces; or its beginning
    refused(regard("look", "heads", language_model, LONG), "do not fit")
    refused(regard("look", "heads", bert, LONG), "and this model reads 64 at most")


def test_what_no_model_of_pictures_reads(
    regard: Regard, trained: dict[str, Path], vit: str, here: Path
) -> None:
    for one in (trained["image-classification"], vit):
        refused(regard("look", "heads", one, "The cat sat."), "The cat sat.: there is no such file or folder")
        refused(regard("look", "heads", one, "en.txt"), "en.txt")
        refused(regard("look", "heads", one, "a.png", "--out", "a.png", "--force"), "is read by this command")
        assert regard("look", "heads", one, "a.png", "a.png", "--json").code == 0
        refused(long := regard("look", "heads", one, LONG), "File name too long")
        assert len(long.err) < 200
    refused(regard("look", "heads", trained["denoising"], "a.png"), "no attention")


def test_figures_of_what_cannot_be(regard: Regard, bert: str, vit: str, here: Path) -> None:
    assert regard("look", bert, "나는 🐈", "cat", "--summary").code == 0
    refused(regard("look", bert, "The cat.", "", "--summary"), "the text is empty")
    refused(regard("look", bert, LONG, "--summary"), "and this model reads 64 at most")
    refused(regard("look", bert, "a.png", "--summary"), "is a file, and this model reads the text")
    refused(regard("look", bert, "The cat.", "--summary", "--head", 4), "heads 0 to 3; there is no head 4")
    refused(regard("look", bert, "The cat.", "--summary", "--at", "x"), "no attention matches 'x'")
    refused(regard("look", bert, "The cat.", "--summary", "--heads", "a.png"), "--summary keeps none")
    two = regard("look", bert, "cat", "dog", "--summary", "--out", "f.png")
    refused(two, "several inputs go into one page")
    refused(regard("look", vit, "The cat.", "--summary"), "The cat.")
    refused(regard("look", vit, "en.txt", "--summary"), "en.txt")
    refused(regard("look", vit, "a.png", "--summary", "--out", "a.png", "--force"), "is read by this command")


def test_a_head_that_is_not_there_is_told_before_a_model_works(
    regard: Regard, model: Path, here: Path, idle: Callable[[], None]
) -> None:
    idle()
    for look in (("--look",), ("--look", "seen.png"), ("--at", "encoder.*")):
        ran = regard("translate", "The cat.", "--model", model, *look, "--head", 2)
        refused(ran, "has heads 0 to 1; there is no head 2")
    refused(regard("look", model, "The cat.", "--head", 2), "has heads 0 to 1; there is no head 2")


def test_a_folder_that_cannot_be_written_is_told_before_a_model_works(
    regard: Regard, model: Path, here: Path, monkeypatch: pytest.MonkeyPatch, idle: Callable[[], None]
) -> None:
    idle()
    monkeypatch.setattr(os, "access", lambda place, mode: mode != os.W_OK)
    for command in (("look", "heads", model, "cat"), ("translate", "cat", "--model", model, "--look")):
        option = () if command[0] == "translate" else ("--out",)
        refused(regard(*command, *option, "seen.png"), "you may not write into .")
    refused(regard("align", model, *ALIGN, "--out", "links.txt"), "you may not write into .")


@pytest.mark.parametrize("device", ["meta", "hpu", "privateuseone", "cuda:2", "cpu:256", "nonsense", ""])
def test_a_device_that_is_not_here(
    regard: Regard, model: Path, bert: str, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    told = f"device {device!r}: this machine has cpu, cuda:0, cuda:1"
    refused(regard("translate", "The cat.", "--model", model, "--device", device), told)
    refused(regard("look", "heads", bert, "The cat.", "--device", device), told)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory: you tried"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    ],
)
def test_too_little_memory_is_told(
    regard: Regard, model: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(Translator, "_translate", full)
    refused(regard("translate", "The cat.", "--model", model), "a smaller --beam, shorter texts")


def test_other_faults_are_not_taken_for_too_little_memory(
    regard: Regard, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Translator, "_translate", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        main(["translate", "The cat.", "--model", str(model)])


@pytest.mark.parametrize(
    "command",
    [
        ("look", "attention", "MODEL", "a.png", "--out"),
        ("look", "attention", "MODEL", "a.png", "--heads"),
        ("look", "relevance", "MODEL", "a.png", "--out"),
        ("look", "faithfulness", "MODEL", "a.png", "--out"),
        ("look", "distance", "MODEL", "--data", "a.png", "--out"),
        ("look", "skips", "MODEL", "a.png", "--out"),
        ("classify", "MODEL", "a.png", "--look"),
        ("heads", "MODEL", ".", "--out"),
    ],
)
def test_a_picture_that_is_looked_at_is_never_replaced(
    regard: Regard, trained: dict[str, Path], here: Path, command: tuple[str, ...]
) -> None:
    model = str(trained["image-classification"])
    before = Path("a.png").read_bytes()
    ran = regard(*(model if word == "MODEL" else word for word in command), "a.png", "--force")
    refused(ran, "a.png: is read by this command, and would be lost")
    assert Path("a.png").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        ("translate", "The cat.", "--model", "MODEL", "--look", "mine.json"),
        ("translate", "The cat.", "--model", "MODEL", "--look", "mine.png"),
        ("look", "heads", "MODEL", "The cat.", "--out", "mine.csv"),
        ("look", "relevance", "MODEL", "The cat.", "--out", "mine.json"),
        ("look", "faithfulness", "MODEL", "The cat.", "--method", "attention", "--out", "mine.json"),
        ("look", "distance", "PICTURES", "--data", "a.png", "--out", "mine.json"),
        ("look", "BERT", "The cat.", "--summary", "--out", "mine.json"),
    ],
)
def test_a_full_disk_leaves_the_file_that_was_to_be_replaced(
    regard: Regard,
    model: Path,
    bert: str,
    trained: dict[str, Path],
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    mine = Path(command[-1])
    mine.write_text("mine")
    there = sorted(here.iterdir())
    models = {"MODEL": model, "BERT": bert, "PICTURES": trained["image-classification"]}
    monkeypatch.setattr(os, "fsync", full)
    ran = regard(*(models.get(word, word) for word in command), "--force")
    assert ran.code == 2
    assert f"regard: {mine}: cannot write: No space left on device" in ran.err
    assert mine.read_text() == "mine"
    assert sorted(here.iterdir()) == there

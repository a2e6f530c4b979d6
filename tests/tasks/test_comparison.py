"""Models side by side."""

import json
import shutil

import pytest

from regard import UserError
from regard.tasks.text.comparison import Spread, compare, unlike_budgets
from regard.tasks.text.lengths_picture import lengths_picture


@pytest.fixture
def other(model_folder, tmp_path):
    """Gives a copy of the model's folder with another recipe and other figures."""

    def make(name, recipe=(), **validation):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("recipe.toml", "metrics.json", "log.jsonl", "SHA256SUMS"):
            shutil.copy(model_folder / file, folder / file)
        text = (folder / "recipe.toml").read_text("utf-8")
        for old, new in recipe:
            assert old in text
            text = text.replace(old, new)
        (folder / "recipe.toml").write_text(text, encoding="utf-8")
        metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
        metrics["validation"] |= validation
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
        return folder

    return make


def test_seeds_are_one_line(other):
    seeds = [other(f"s{seed}", [("seed = 1\n", f"seed = {seed}\n")], loss=float(seed)) for seed in (1, 2, 3)]
    wider = other("wider", [("width = 16", "width = 32")], loss=9.0)
    first, second = compare([seeds[0], wider, *seeds[1:]])
    assert (first.name, first.seeds, second.name, second.seeds) == ("s1", 3, "wider", 1)
    assert first.figures["validation"]["loss"] == Spread(2.0, 1.0)
    assert second.figures["validation"]["loss"] == Spread(9.0, None)
    assert first.speed is not None
    assert first.speed.mean > 0
    assert first.parameters > 1000
    assert unlike_budgets([first, second]) == []


@pytest.mark.parametrize("section", ["task", "[training]", "[decoding]"])
def test_runs_that_differ_in_any_seed_are_several(other, section):
    text = other("first").joinpath("recipe.toml").read_text("utf-8")
    before, _, after = text.partition(section)
    other_seed = before + section + after.replace("seed = 1\n", "seed = 2\n", 1)
    folders = [other("one"), other("two", [(text, other_seed)]), other("again")]
    (line,) = compare(folders)
    assert line.seeds == 2


def test_a_figure_that_is_infinite_in_one_run_is_left_out(other):
    folders = [other("good"), other("bad", [("seed = 1\n", "seed = 2\n")], perplexity=None)]
    for both in (folders, folders[::-1]):
        (line,) = compare(both)
        assert "perplexity" not in line.figures["validation"]
        assert line.figures["validation"]["loss"].deviation == 0.0


def test_what_decodes_or_is_stored_otherwise_is_no_other_seed(other):
    folders = [
        other("same"),
        other("beam", [("length_penalty = 0.6", "length_penalty = 1.0")]),
        other("small", [('weights = "float32"', 'weights = "float16"')]),
    ]
    lines = compare([*folders, folders[0]])
    assert [(line.name, line.seeds) for line in lines] == [("same", 1), ("beam", 1), ("small", 1)]


def test_what_was_not_alike_is_told(other, model_folder):
    longer = other("longer", [("updates = 40", "updates = 80")])
    lines = compare([model_folder, longer])
    assert unlike_budgets(lines) == ["training.updates: model 40; longer 80"]


def test_a_model_that_is_not_finished_is_refused(other):
    folder = other("half")
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(UserError, match="not finished"):
        compare([folder])
    (folder / "metrics.json").unlink()
    with pytest.raises(UserError, match="neither a model folder"):
        compare(["en-xx"])


def test_a_model_without_figures_is_named(other):
    folders = [other("good"), other("bare", [("seed = 1\n", "seed = 2\n")])]
    (folders[1] / "metrics.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"bare/metrics\.json: no figures"):
        compare(folders)


def test_lengths_are_drawn(other, model_folder, tmp_path):
    buckets = {"5": {"bleu": 40.0, "sentences": 20}, "more": {"bleu": 30.0, "sentences": 15}}
    lines = compare([other("하나")])
    with pytest.raises(UserError, match="not all tested"):
        lengths_picture([line_without(line) for line in lines], tmp_path / "l.png")
    folder = other("with")
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    metrics["test"] = {"bleu": 35.0, "by_length": buckets}
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    assert lengths_picture(compare([folder]), tmp_path / "l.png").stat().st_size > 5000


def test_the_last_length_is_named_by_where_it_begins(other, tmp_path):
    """Whichever lengths there are, none too."""
    for buckets, names in (
        ({"20": {"bleu": 40.0, "sentences": 20}, "more": {"bleu": 30.0, "sentences": 15}}, ["≤ 20", "> 30"]),
        ({"more": {"bleu": 30.0, "sentences": 15}}, ["> 30"]),
    ):
        folder = other(f"with{len(names)}")
        metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
        metrics["test"] = {"bleu": 35.0, "by_length": buckets}
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
        drawn = lengths_picture(compare([folder]), tmp_path / f"{len(names)}.svg").read_text("utf-8")
        drawn = drawn.replace("&gt;", ">")
        assert [name for name in ("≤ 20", "≤ 30", "> 20", "> 30") if f"<!-- {name}" in drawn] == names


def line_without(line):
    from dataclasses import replace

    return replace(line, by_length={})

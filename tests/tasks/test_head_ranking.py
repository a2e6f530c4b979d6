"""Which heads are missed: every figure is that of a model whose projection was changed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from toy_pairs import sentences
from typer.testing import CliRunner

import regard
from regard.cli.app import app
from regard.errors import UserError
from regard.tasks.heads.picture import ranking_picture
from regard.tasks.heads.ranking import paired, rank_heads
from regard.tasks.heads.sample import spread
from regard.tasks.text.translation_figures import reference_loss


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("heads")
    pairs = dict(sentences()[:12])
    for name, lines in (("s", list(pairs)), ("t", list(pairs.values()))):
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder / "s", folder / "t"


def test_losses_are_those_of_models_changed_by_hand(model_folder: Path, files: tuple[Path, Path]) -> None:
    translator = regard.load(model_folder)
    told: list[tuple[int, int]] = []
    ranking = rank_heads(translator, files, each=lambda *at: told.append(at), figure=True)
    pairs = list(zip(*(path.read_text().splitlines() for path in files), strict=True))
    assert ranking.loss == pytest.approx(reference_loss(translator, pairs), abs=1e-4)
    assert [one.place for one in ranking.heads] == [
        place for place in ("encoder.0.self", "decoder.0.self", "decoder.0.cross") for _ in range(2)
    ]
    assert told == [(done, 6) for done in range(7)]
    assert ranking.value is not None
    assert ranking.figure == "BLEU"
    cross = next(one for one in ranking.heads if (one.place, one.head) == ("decoder.0.cross", 1))
    with torch.no_grad():
        translator.model.decoder.layers[0].cross_attention.output.weight[:, 8:] = 0.0
    assert ranking.loss + cross.loss == pytest.approx(reference_loss(translator, pairs), abs=1e-4)
    losses = [one.loss for one in ranking.ranked]
    assert losses == sorted(losses, reverse=True)
    assert all(one.beyond_chance == (abs(one.loss) > 2 * one.error) for one in ranking.heads)


def test_the_error_is_that_of_a_ratio() -> None:
    torch.manual_seed(0)
    weights = torch.randint(1, 9, (400,)).double()
    differences = weights * 0.3 + torch.randn(400).double()
    mean, error = paired(differences, weights)
    picks = torch.randint(400, (3000, 400))
    drawn = differences[picks].sum(1) / weights[picks].sum(1)
    assert mean == pytest.approx(float(differences.sum() / weights.sum()))
    assert error == pytest.approx(float(drawn.std()), rel=0.1)


def test_a_single_example_has_no_error(model_folder: Path, tmp_path: Path) -> None:
    source, target = sentences()[0]
    (tmp_path / "s").write_text(source, encoding="utf-8")
    (tmp_path / "t").write_text(target, encoding="utf-8")
    ranking = rank_heads(regard.load(model_folder), (tmp_path / "s", tmp_path / "t"))
    assert all((one.error, one.beyond_chance) == (None, False) for one in ranking.heads)
    assert ranking_picture(ranking, tmp_path / "a.png").stat().st_size > 5000
    given = ["heads", str(model_folder), "--source", str(tmp_path / "s"), "--target", str(tmp_path / "t")]
    table = CliRunner().invoke(app, given).stdout
    assert table.startswith("1 sentence of ")
    assert "encoder.0.self" in table
    assert "inf" not in table
    assert "noise" not in table


def test_the_command(model_folder: Path, files: tuple[Path, Path], tmp_path: Path) -> None:
    given = ["heads", str(model_folder), "--source", str(files[0]), "--target", str(files[1])]
    run = CliRunner().invoke(app, [*given, "--at", "encoder*", "--json", "--out", str(tmp_path / "a.svg")])
    assert run.exit_code == 0, run.output
    record = json.loads(run.stdout[run.stdout.index("{") : run.stdout.rindex("}") + 1])
    assert {one["place"] for one in record["heads"]} == {"encoder.0.self"}
    assert record["examples"] == 12
    assert (
        "loss that is added" in (tmp_path / "a.svg").read_text() or (tmp_path / "a.svg").stat().st_size > 5000
    )
    money = tmp_path / "cost$^$.tsv"
    rows = zip(*(file.read_text(encoding="utf-8").splitlines() for file in files), strict=True)
    money.write_text("".join(f"{source}\t{target}\n" for source, target in rows), encoding="utf-8")
    drawn = CliRunner().invoke(
        app, ["heads", str(model_folder), str(money), "--at", "encoder*", "--out", str(tmp_path / "b.png")]
    )
    assert drawn.exit_code == 0, drawn.exception
    again = CliRunner().invoke(app, [*given, "--out", str(tmp_path / "a.svg")])
    assert isinstance(again.exception, UserError)
    table = CliRunner().invoke(app, [*given, "--at", "encoder*"])
    assert "encoder.0.self" in table.stdout
    nothing = CliRunner().invoke(app, [*given, "--at", "elsewhere"])
    assert "attention ran at encoder.0.self, decoder.0.self, decoder.0.cross" in str(nothing.exception)


def test_pictures(trained: dict[str, Path], pictures: Path, tmp_path: Path) -> None:
    tried = 0
    for name, folder in trained.items():
        predictor = regard.load(folder)
        data = (
            pictures
            / {
                "image-classification": "classes",
                "segmentation": "masks",
                "denoising": "masks/test/images",
                "anomaly-detection": "parts",
            }[predictor.task]
        )
        if not regard.lens.attention_places(predictor.model):
            with pytest.raises(UserError, match="attention ran at no place"):
                rank_heads(predictor, data, examples=3)
            continue
        ranking = rank_heads(predictor, data, examples=4, figure=True)
        assert ranking.examples <= 4
        assert ranking.unit == "picture"
        ranking_picture(ranking, tmp_path / f"{name}.png", title=name)
        tried += 1
    assert tried


def test_examples_are_spread() -> None:
    assert spread(1000, 3) == [0, 333, 666]

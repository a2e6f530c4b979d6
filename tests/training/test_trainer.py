import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from toy import ToyBatch, ToyModel, ToyTask, trainer

from regard.errors import UserError
from regard.training import Loss, run
from regard.training.archive import Archive
from regard.training.checkpoint import model_tensors
from regard.training.curves import draw_curves
from regard.training.log import read_log
from regard.training.signals import Interrupted


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "draw_curves", draw_curves)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "draw_curves", lambda folder: None)  # they take half a second each


@pytest.mark.usefixtures("pictures")
def test_a_run_learns_and_leaves_its_files(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    figures = made.fit()
    assert figures["accuracy"] > 0.4
    assert figures["updates"] == 40
    lines = read_log(tmp_path)
    training = [line for line in lines if "loss" in line]
    assert [line["update"] for line in training] == list(range(5, 41, 5))
    assert training[-1]["loss"] < training[0]["loss"] / 2
    assert training[-1]["half"] == pytest.approx(training[-1]["loss"] / 2)
    assert {"epoch", "learning_rate", "tokens_per_second", "padding", "gradient_norm", "seconds"} <= training[
        0
    ].keys()
    assert [line["update"] for line in lines if "validation" in line] == [10, 20, 30, 40]
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_the_first_update_is_that_of_the_mean_over_all_units(tmp_path: Path) -> None:
    """Accumulated batches of unequal numbers of units weigh as one batch of them all."""
    made = trainer(tmp_path, dropped=0.0, updates=1, accumulate=3, warmup=0, clip=0.0, average=1)
    made.fit()
    task, model = ToyTask(), ToyModel(0.0)
    ids = torch.cat([task.batch(0, step, 0, 1).ids for step in range(3)])  # type: ignore[union-attr]
    F.cross_entropy(F.linear(model(ids[:, 0]), model.output.weight, model.output.bias), ids[:, 1]).backward()
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.01},
            {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
        ],
        lr=0.02,
        betas=(0.9, 0.98),
        eps=1e-9,
    )
    optimizer.step()
    for mine, other in zip(made.job.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("averaged", [0.5, 1.5])
def test_the_end_takes_the_average_where_it_is_better(tmp_path: Path, averaged: float) -> None:
    class Told(ToyTask):
        def validate(self, model: nn.Module) -> dict[str, float]:
            return {"loss": figures.pop(0)}

    figures = [4.0, 1.0, 3.0, 2.0, 1.0, averaged]  # four validations, then the best again, then the average
    made = trainer(tmp_path, task=Told(), average=4)
    assert made.fit()["loss"] == min(1.0, averaged)
    kept = [weights_of(tmp_path, update) for update in (10, 20, 30, 40)]
    for name, tensor in model_tensors(made.job.model).items():
        if averaged > 1:
            assert torch.equal(tensor, kept[1][name])
        elif tensor.is_floating_point():
            torch.testing.assert_close(tensor, torch.stack([one[name] for one in kept]).mean(0))


def weights_of(folder: Path, update: int) -> dict[str, torch.Tensor]:
    return Archive(folder / "checkpoints").weights([update])


def test_patience_ends_a_run_that_gets_no_better(tmp_path: Path) -> None:
    class Worse(ToyTask):
        def validate(self, model: nn.Module) -> dict[str, float]:
            self.validations.append(len(self.validations) + 1.0)
            return {"loss": self.validations[-1]}

    made = trainer(tmp_path, task=Worse(), patience=2, average=1)
    assert made.fit()["updates"] == 30
    assert [line["update"] for line in read_log(tmp_path) if "validation" in line] == [10, 20, 30]


@pytest.mark.parametrize("log_every", [7, 50])
def test_a_run_that_patience_ends_has_told_of_all_its_updates(tmp_path: Path, log_every: int) -> None:
    class Worse(ToyTask):
        def validate(self, model: nn.Module) -> dict[str, float]:
            return {"loss": float(len(read_log(tmp_path)))}

    dials: dict[str, Any] = {"patience": 2, "average": 1, "log_every": log_every}
    trainer(tmp_path, task=Worse(), **dials).fit()
    lines = read_log(tmp_path)
    told = [line["update"] for line in lines if "loss" in line]
    assert told == [*range(log_every, 30, log_every), 30]
    trainer(tmp_path, task=Worse(), **dials).fit(resume=True)
    assert read_log(tmp_path) == lines


def test_a_line_that_was_written_but_not_saved_is_not_written_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Worse(ToyTask):
        def loss(self, model: nn.Module, batch: ToyBatch) -> Loss:
            loss = super().loss(model, batch)
            if int(model.calls) == 30:
                signal.raise_signal(signal.SIGTERM)  # saves between the last update and its validation
            return loss

        def validate(self, model: nn.Module) -> dict[str, float]:
            return {"loss": float(model.calls)}

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    def told() -> list[int]:
        return [line["update"] for line in read_log(tmp_path) if "loss" in line]

    dials: dict[str, Any] = {"patience": 2, "average": 1, "log_every": 50}
    with pytest.raises(Interrupted):
        trainer(tmp_path, task=Worse(), **dials).fit()
    assert told() == []
    with monkeypatch.context() as patch:
        patch.setattr(run.Run, "_save", killed)
        with pytest.raises(KeyboardInterrupt):
            trainer(tmp_path, task=Worse(), **dials).fit(resume=True)
    assert told() == [30]
    trainer(tmp_path, task=Worse(), **dials).fit(resume=True)
    assert told() == [30]


def test_without_validation_data_the_last_weights_are_averaged(tmp_path: Path) -> None:
    class Blind(ToyTask):
        def validate(self, model: nn.Module) -> dict[str, float]:
            return {}

    made = trainer(tmp_path, task=Blind())
    assert made.fit().keys() == {"updates", "seconds"}


def test_an_unknown_metric_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="accuracy, loss"):
        trainer(tmp_path, metric="bleu")  # before a single update


def test_a_loss_that_is_no_number_ends_the_run_before_it_is_saved(tmp_path: Path) -> None:
    made = trainer(tmp_path, task=ToyTask(bad_update=13))
    with pytest.raises(
        UserError, match=r"no longer a number.* saved before is good.*another folder \(--out\)"
    ):
        made.fit()
    assert trainer(tmp_path).fit(resume=True)["updates"] == 40


def test_a_loss_that_is_no_number_before_anything_is_saved(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no longer a number.* Nothing was saved before.*another folder"):
        trainer(tmp_path, task=ToyTask(bad_update=3)).fit()
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_folder_with_a_run_is_not_written_over(tmp_path: Path) -> None:
    trainer(tmp_path, updates=2).fit()
    before = (tmp_path / "log.jsonl").read_bytes()
    with pytest.raises(UserError, match="holds a training run"):
        trainer(tmp_path, updates=2).fit()
    assert (tmp_path / "log.jsonl").read_bytes() == before


def test_a_changed_recipe_is_refused_by_its_keys(tmp_path: Path) -> None:
    trainer(tmp_path, updates=2).fit()
    with pytest.raises(UserError, match=r"learning_rate was 0\.02, is 0\.5; seed was 1, is 2"):
        trainer(tmp_path, updates=2, learning_rate=0.5, seed=2).fit(resume=True)


def test_a_run_goes_on_where_recipes_have_come_to_say_more(tmp_path: Path) -> None:
    trainer(tmp_path, updates=2).fit()
    later = trainer(tmp_path, updates=2)
    later.job = replace(later.job, recipe={**later.job.recipe, "a_new_key": 0.0})
    later.fit(resume=True)


def test_changed_data_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path, updates=2).fit()
    with pytest.raises(UserError, match="changed data: train was 'words', is 'more words'"):
        trainer(tmp_path, task=ToyTask(data="more words"), updates=2).fit(resume=True)


def test_precision_is_that_of_the_run_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Watching(ToyTask):
        def loss(self, model: nn.Module, batch: ToyBatch) -> Loss:
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().loss(model, batch)

        def validate(self, model: nn.Module) -> dict[str, float]:
            if not resumed:
                raise KeyboardInterrupt
            return super().validate(model)

    resumed: list[bool] = []
    dials: dict[str, Any] = {"updates": 8, "checkpoint_every": 4, "validate_every": 8, "precision": "auto"}
    monkeypatch.setattr(run, "choose_precision", lambda *_: "bf16")
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, task=Watching(), **dials).fit()
    resumed.append(True)
    monkeypatch.setattr(run, "choose_precision", lambda *_: "fp32")  # as another processor would
    trainer(tmp_path, task=Watching(), **dials).fit(resume=True)
    assert seen == [True] * 12

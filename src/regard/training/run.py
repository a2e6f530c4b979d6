"""One process's work on a training run, from its start or resumption to its end."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor, nn

from regard.counted import counted
from regard.errors import UserError
from regard.nn.freed_memory import give_back_freed_memory
from regard.training.archive import Archive, Found
from regard.training.checkpoint import model_tensors, restore_model
from regard.training.config import TrainingConfig
from regard.training.curves import draw_curves
from regard.training.display import Display
from regard.training.distributed import Processes
from regard.training.log import LOG_NAME, RunLog
from regard.training.optimizer import build_optimizers, optimizer_tensors, restore_optimizers
from regard.training.precision import Precision, autocast, choose_precision
from regard.training.prefetch import Prefetch
from regard.training.resume import refuse_changes
from regard.training.signals import Interrupted, StopRequestedError, StopRequests
from regard.training.state import RunState, is_better
from regard.training.trainable import Trainable
from regard.training.update import Updater
from regard.training.window import Window


@dataclass(frozen=True)
class Job:
    """What is to be done; `Trainer` describes the parts."""

    model: nn.Module
    trainable: Trainable
    config: TrainingConfig
    folder: Path
    recipe: Mapping[str, Any]
    console: Console | None


class Run:
    """One process's work on a run, from its start or resumption to its end."""

    def __init__(self, job: Job, processes: Processes, stop: StopRequests, stack: ExitStack) -> None:
        self.job = job
        self.config = job.config
        self.total = job.config.total(job.trainable.steps_per_epoch)
        self.archive = Archive(job.folder / "checkpoints")
        self.processes = processes
        self.stop = stop
        self.stack = stack
        self.model = job.model.to(processes.device)
        self.optimizers = build_optimizers(
            self.model,
            self.config.optimizer,
            betas=self.config.betas,
            weight_decay=self.config.weight_decay,
        )
        self.precision: Precision = choose_precision(self.config.precision, processes.device)
        self.state = RunState()
        self.saved = 0

    def go(self, resume: bool) -> dict[str, float]:
        """The whole of it."""
        notes = self._restore(resume)
        trainable = self.job.trainable
        logged = self.state.update - self.state.window.updates  # those in the window wait for their line
        log = RunLog(self.job.folder, logged, self.state.validated) if self._first else None
        self.log = log and self.stack.enter_context(log)
        display = Display(self.job.console if self._first else None, total=self.total, done=self.state.update)
        self.display = self.stack.enter_context(display)
        for note in notes:
            self.display.say(note)
        if self.state.update:
            self.display.say(f"Continuing after update {self.state.update}.")
        self.updater = Updater(
            self.model, trainable, self.config, self.optimizers, self.precision, self.processes
        )
        self.stack.callback(self.updater.close)
        self.batches = self.stack.enter_context(Prefetch(self.updater.batches, self.total))
        self._loop()
        return self._finish()

    @property
    def _first(self) -> bool:
        return self.processes.first

    def _loop(self) -> None:
        interval = self.config.validation_interval(self.job.trainable.steps_per_epoch)
        every, total, state = self.config.checkpoint_every or interval, self.total, self.state
        while True:
            if self._asked_to_stop():
                self._leave()
            last = state.update == total
            if state.update and (last or state.update % interval == 0) and state.validated < state.update:
                self._validate()
            finished = last or 0 < self.config.patience <= state.waited
            if finished:
                self._write_rest()
            if (finished or state.update % every == 0) and self.saved < state.update:
                self._save()
            if finished:
                return
            self._train_one(state.update + 1)

    def _train_one(self, number: int) -> None:
        began = time.perf_counter()
        state = self.state
        self.model.train()
        self.updater.update(number, self.batches.get(number), state.window)
        state.update = number
        seconds = time.perf_counter() - began
        state.window.seconds += seconds
        state.seconds += seconds
        self.display.advance(number)
        if number % self.config.log_every == 0 or number == self.total:
            self._write_line()

    def _write_line(self) -> None:
        figures = self.state.window.figures(self.processes, self.job.trainable.unit)
        self._check_finite()
        self.state.window = Window()
        update = self.state.update
        epoch = update * self.config.accumulate // self.job.trainable.steps_per_epoch
        seconds = round(self.state.seconds, 2)
        line = {"epoch": epoch, "learning_rate": self.updater.rate(update), **figures, "seconds": seconds}
        if self.log is not None:
            self.log.write(update, line)
        self.display.figures(update, epoch, figures)

    def _write_rest(self) -> None:
        """The line of the updates since the last, where patience ends the run between two lines."""
        (updates,) = self.processes.sum([float(self.state.window.updates)])  # a resumed run's: the first's
        if updates:
            self._write_line()

    def _check_finite(self) -> None:
        """A gradient that was infinite has spoilt the weights: end before a checkpoint holds them.

        Raises:
            UserError: it was, in some update since the last line of the log.
        """
        if not math.isfinite(float(self.state.window.norm)):
            kept = (
                "What was saved before is good, but going on from it with --resume comes to the same"
                if self.archive.exists()
                else "Nothing was saved before"
            )
            raise UserError(
                f"The gradient is no longer a number by update {self.state.update}. {kept}: train again into "
                "another folder (--out), with a lower training.learning_rate, a longer training.warmup or a "
                "smaller training.clip."
            )

    def _validate(self) -> None:
        self._check_finite()
        figures = self.processes.from_first(self._figures)
        if figures is None:
            self._leave()
            return
        best = self.state.record(self.config.metric, figures, self.config.average)
        tensors = model_tensors(self.model)
        self.processes.from_first(lambda: self.archive.save_weights(self.state.update, tensors))
        if figures and self.log is not None:
            self.log.write(self.state.update, figures, "validation")
        if figures:
            self.display.validation(self.state.update, figures, best)
        self.saved = -1  # a state saved before the validation does not know of it
        give_back_freed_memory()  # translating takes more than training, above all before sentences end

    def _figures(self) -> dict[str, float] | None:
        """Validation figures of the weights as they are; None where a signal broke it off."""
        self.model.eval()
        torch.manual_seed(self.config.seed)
        try:
            with self.stop.breakable(), torch.no_grad(), autocast(self.precision, self.processes.device):
                return dict(self.job.trainable.validate(self.model))
        except StopRequestedError:
            return None

    def _finish(self) -> dict[str, float]:
        """Choose between the best weights and the average of the last, and put them into the model."""
        state, archive, metric = self.state, self.archive, self.config.metric
        best = state.best_update or state.update  # no validation had a number for the metric
        restore_model(self.model, archive.weights([best]))
        figures = self._figures_or_leave()
        chosen = f"weights of update {best}"
        if len(state.recent) > 1:
            restore_model(self.model, archive.weights(state.recent))
            averaged = self._figures_or_leave()
            if not averaged or is_better(metric, averaged[metric], figures[metric]):
                figures, chosen = averaged, f"average of updates {', '.join(map(str, state.recent))}"
            else:
                restore_model(self.model, archive.weights([best]))
        self.model.eval()
        if self._first:
            draw_curves(self.job.folder)
        self.display.say(f"Done after {counted(state.update, 'update')}: {chosen}.")
        return {**figures, "updates": state.update, "seconds": round(state.seconds, 2)}

    def _figures_or_leave(self) -> dict[str, float]:
        figures = self.processes.from_first(self._figures)
        if figures is None:
            self._leave()
        return figures or {}

    def _asked_to_stop(self) -> bool:
        """Whether a signal came to any of the processes."""
        (numbers,) = self.processes.sum([float(self.stop.received)])
        return numbers > 0

    def _leave(self) -> None:
        """Save what is not saved yet, say how to go on, and go.

        Raises:
            Interrupted: always.
        """
        received = max(self.processes.gather(self.stop.received))
        if self.saved < self.state.update:
            self._save()
        where = self.job.folder
        self.display.say(
            f"Stopped after update {self.state.update}; all is saved in {where}. Continue with --resume."
        )
        raise Interrupted(received)

    def _save(self) -> None:
        self._check_finite()
        self.saved = self.state.update
        tensors = {f"model.{name}": tensor for name, tensor in model_tensors(self.model).items()}
        for name, tensor in optimizer_tensors(self.optimizers, self.model).items():
            tensors[f"optimizer.{name}"] = tensor
        state = replace(self.state, window=self.state.window.total(self.processes))
        facts = {
            "recipe": self.job.recipe,
            "data": dict(self.job.trainable.digests()),
            "precision": self.precision,
            "processes": self.processes.world,
        }
        self.processes.from_first(lambda: self.archive.save_state(state, tensors, facts))

    def _restore(self, resume: bool) -> list[str]:
        """Go back to the latest checkpoint, if there is one; give what the user should know about it."""
        found = self.processes.from_first(lambda: self._look_for_run(resume))
        if found is None:
            return []
        checkpoint = self.archive.load(found.name)
        facts = checkpoint.facts
        # What a recipe could not say yet when the run began is left to who knows the defaults of its keys.
        known = {key: value for key, value in self.job.recipe.items() if key in facts["recipe"]}
        refuse_changes(self.job.folder, "recipe", facts["recipe"], known)
        refuse_changes(self.job.folder, "data", facts["data"], self.job.trainable.digests())
        self.processes.from_first(lambda: self.archive.forget_after(found.name))
        self.precision = facts["precision"]
        self.state = RunState.from_plain(facts["run"])
        if not self._first:
            self.state.window = Window()  # its sums were over all processes: the first has them
        self.saved = self.state.update
        restore_model(self.model, _under("model.", checkpoint.tensors))
        restore_optimizers(self.optimizers, self.model, _under("optimizer.", checkpoint.tensors))
        notes = [f"Left aside: {message}" for message in found.skipped]
        if facts["processes"] != self.processes.world:
            notes.append(
                f"{self.processes.world} processes go on where {facts['processes']} began: the batches are "
                "the same, what dropout leaves out is not."
            )
        return notes

    def _look_for_run(self, resume: bool) -> Found | None:
        folder = self.job.folder
        if not resume and (self.archive.exists() or (folder / LOG_NAME).exists()):
            raise UserError(
                f"{folder}: holds a training run already. Continue it with --resume, or choose another "
                "output folder."
            )
        self.archive.clean()
        return self.archive.latest()


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

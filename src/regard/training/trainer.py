"""The training loop, one for every task."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from regard.errors import UserError
from regard.training.archive import Archive, Found
from regard.training.checkpoint import NoSpaceError, is_disk_full, model_tensors, restore_model
from regard.training.config import TrainingConfig
from regard.training.curves import draw_curves
from regard.training.display import Display
from regard.training.distributed import Processes, join, pick_device
from regard.training.lock import FolderLock
from regard.training.log import LOG_NAME, RunLog
from regard.training.memory import keep_freed_memory
from regard.training.optimizer import adamw, optimizer_tensors, restore_optimizer
from regard.training.precision import Precision, autocast, choose_precision
from regard.training.schedule import learning_rate
from regard.training.signals import Interrupted, StopRequestedError, StopRequests
from regard.training.state import RunState, is_better
from regard.training.trainable import Objective, Trainable
from regard.training.window import Window


class Trainer:
    """Trains a model on a task, and can go on after any kind of end.

    Every update is a pure function of the weights, the moments and its own number: batches come from the
    batch plan, and the random numbers from a seed made of the run's seed, the update and the rank. So a run
    that was killed and resumed ends with the same weights, to the bit, as one that was not.

    Args:
        model: the model; trained in place.
        trainable: batches, loss and validation.
        config: the dials.
        folder: gets `checkpoints/`, `log.jsonl`, `tensorboard/` and `curves.png`.
        recipe: what the run was made from, flat, as JSON can hold it; a resume must bring the same.
        console: where progress is shown; None is silent.
        device: None picks a GPU where there is one.
    """

    def __init__(
        self,
        model: nn.Module,
        trainable: Trainable,
        config: TrainingConfig,
        folder: Path,
        *,
        recipe: Mapping[str, Any] | None = None,
        console: Console | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.model = model
        self.trainable = trainable
        self.config = config
        self.folder = folder
        self.recipe = dict(recipe or {})
        self.console = console
        self.device = device or pick_device()
        self.archive = Archive(folder / "checkpoints")
        self.total = config.total(trainable.steps_per_epoch)

    def fit(self, resume: bool = False) -> dict[str, float]:
        """Train to the end and leave the best weights in the model: one validation's, or the average's.

        Args:
            resume: go on from the latest checkpoint; with none yet, begin.

        Returns:
            The validation figures of these weights, with `updates` and `seconds`.

        Raises:
            UserError: the folder holds a run and `resume` is False; the recipe differs from that of the
                run resumed; no checkpoint is whole; another process trains here; the disk is full; the
                loss is no longer a number.
            Interrupted: SIGINT or SIGTERM came; everything is saved.
        """
        keep_freed_memory()
        try:
            with ExitStack() as stack:
                processes = stack.enter_context(join(self.device))
                if processes.first:
                    stack.enter_context(FolderLock(self.folder))
                stop = stack.enter_context(StopRequests())
                return _Run(self, processes, stop, stack).go(resume)
        except OSError as error:
            if is_disk_full(error):
                raise NoSpaceError(
                    f"{self.folder}: no space left on the disk. Checkpoints are whole: free some space and "
                    "continue with --resume."
                ) from error
            raise


class _Run:
    """One process's work on a run, from its start or resumption to its end."""

    def __init__(self, trainer: Trainer, processes: Processes, stop: StopRequests, stack: ExitStack) -> None:
        self.trainer = trainer
        self.config = trainer.config
        self.processes = processes
        self.stop = stop
        self.stack = stack
        self.model = trainer.model.to(trainer.device)
        self.optimizer = adamw(self.model, betas=self.config.betas, weight_decay=self.config.weight_decay)
        self.precision: Precision = choose_precision(self.config.precision, trainer.device)
        self.state = RunState()
        self.saved = 0

    def go(self, resume: bool) -> dict[str, float]:
        """The whole of it."""
        skipped = self._restore(resume)
        log = RunLog(self.trainer.folder, self.state.update, self.state.validated) if self._first else None
        self.log = log and self.stack.enter_context(log)
        display = Display(
            self.trainer.console if self._first else None, total=self.trainer.total, done=self.state.update
        )
        self.display = self.stack.enter_context(display)
        for message in skipped:
            self.display.say(f"Left aside: {message}")
        if self.state.update:
            self.display.say(f"Continuing after update {self.state.update}.")
        self.objective: nn.Module = Objective(self.model, self.trainer.trainable)
        if self.processes.world > 1:
            devices = [self.trainer.device] if self.trainer.device.type == "cuda" else None
            self.objective = DistributedDataParallel(self.objective, device_ids=devices)
        self._loop()
        return self._finish()

    @property
    def _first(self) -> bool:
        return self.processes.first

    def _loop(self) -> None:
        interval = self.config.validation_interval(self.trainer.trainable.steps_per_epoch)
        every, total, state = self.config.checkpoint_every or interval, self.trainer.total, self.state
        while True:
            if self._asked_to_stop():
                self._leave()
            last = state.update == total
            if state.update and (last or state.update % interval == 0) and state.validated < state.update:
                self._validate()
            finished = last or 0 < self.config.patience <= state.waited
            if (finished or state.update % every == 0) and self.saved < state.update:
                self._save()
            if finished:
                return
            self._train_one(state.update + 1)

    def _train_one(self, number: int) -> None:
        """One update of the weights."""
        began = time.perf_counter()
        config, rank = self.config, self.processes.rank
        rate = learning_rate(
            number,
            peak=config.learning_rate,
            schedule=config.schedule,
            warmup=config.warmup_updates(self.trainer.total),
            total=self.trainer.total,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        batches = self._batches(number)
        units = sum(self.trainer.trainable.units(batch) for batch in batches if batch is not None)
        (everyones,) = self.processes.sum([float(units)])
        # DDP takes the mean over processes; what is wanted is the sum over all units, over their number.
        scale = self.processes.world / max(1.0, everyones)
        window = self.state.window
        for part, batch in enumerate(batches):
            torch.manual_seed(_seed(config.seed, number, part, rank))
            with self._gradients_shared(part == len(batches) - 1):
                with autocast(self.precision, self.trainer.device):
                    loss, figures = self.objective(batch)
                (loss * scale).backward()
            window.add(loss, figures)
        parameters = [p for p in self.model.parameters() if p.grad is not None]
        norm = torch.nn.utils.clip_grad_norm_(parameters, config.clip or math.inf)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        window.norm = window.norm + norm.detach().double()
        seconds = time.perf_counter() - began
        present = [batch for batch in batches if batch is not None]
        window.count(
            units=units,
            tokens=sum(batch.tokens for batch in present),
            positions=sum(batch.positions for batch in present),
            seconds=seconds,
        )
        self.state.update = number
        self.state.seconds += seconds
        self.display.advance(number)
        if number % config.log_every == 0 or number == self.trainer.total:
            self._write_line(rate)

    def _batches(self, number: int) -> list[Any]:
        """This process's share of the batches of an update; None where a batch is too small to share."""
        trainable, processes = self.trainer.trainable, self.processes
        first = (number - 1) * self.config.accumulate
        batches = []
        for index in range(first, first + self.config.accumulate):
            epoch, step = divmod(index, trainable.steps_per_epoch)
            batch = trainable.batch(epoch, step, processes.rank, processes.world)
            batches.append(None if batch is None else batch.to(self.trainer.device))
        return batches

    def _gradients_shared(self, last: bool) -> Any:
        """Gradients travel between processes with the last batch of an update only."""
        if isinstance(self.objective, DistributedDataParallel) and not last:
            return self.objective.no_sync()
        return nullcontext()

    def _write_line(self, rate: float) -> None:
        figures = self.state.window.figures(self.processes)
        self._check_finite()
        self.state.window = Window()
        epoch = self._epoch()
        line = {"epoch": epoch, "learning_rate": rate, **figures, "seconds": round(self.state.seconds, 2)}
        if self.log is not None:
            self.log.write(self.state.update, line)
        self.display.figures(self.state.update, epoch, figures)

    def _epoch(self) -> int:
        return self.state.update * self.config.accumulate // self.trainer.trainable.steps_per_epoch

    def _check_finite(self) -> None:
        """A gradient that was infinite has spoilt the weights: end before a checkpoint holds them.

        Raises:
            UserError: it was, in some update since the last line of the log.
        """
        if not math.isfinite(float(self.state.window.norm)):
            raise UserError(
                f"The gradient is no longer a number by update {self.state.update}. The last checkpoint is "
                "good: train again with a lower training.learning_rate, more warmup, or clip."
            )

    def _validate(self) -> None:
        self._check_finite()
        figures = self.processes.from_first(self._figures)
        if figures is None:
            self._leave()
            return
        best = self.state.record(self.config.metric, figures, self.config.average)
        if self._first:
            self.trainer.archive.save_weights(self.state.update, model_tensors(self.model))
            if self.log is not None and figures:
                self.log.write(self.state.update, figures, "validation")
            if figures:
                self.display.validation(self.state.update, figures, best)
        self.saved = -1  # a state saved before the validation does not know of it

    def _figures(self) -> dict[str, float] | None:
        """Validation figures of the weights as they are; None where a signal broke it off."""
        self.model.eval()
        torch.manual_seed(self.config.seed)
        try:
            with self.stop.breakable(), torch.no_grad(), autocast(self.precision, self.trainer.device):
                return dict(self.trainer.trainable.validate(self.model))
        except StopRequestedError:
            return None

    def _finish(self) -> dict[str, float]:
        """Choose between the best weights and the average of the last, and put them into the model."""
        state, archive, metric = self.state, self.trainer.archive, self.config.metric
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
            draw_curves(self.trainer.folder)
        self.display.say(f"Done after {state.update} updates: {chosen}.")
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
        where = self.trainer.folder
        self.display.say(
            f"Stopped after update {self.state.update}; all is saved in {where}. Continue with --resume."
        )
        raise Interrupted(received)

    def _save(self) -> None:
        self._check_finite()
        self.saved = self.state.update
        if not self._first:
            return
        tensors = {f"model.{name}": tensor for name, tensor in model_tensors(self.model).items()}
        for name, tensor in optimizer_tensors(self.optimizer, self.model).items():
            tensors[f"optimizer.{name}"] = tensor
        facts = {"recipe": self.trainer.recipe, "precision": self.precision, "world": self.processes.world}
        self.trainer.archive.save_state(self.state, tensors, facts)

    def _restore(self, resume: bool) -> list[str]:
        """Go back to the latest checkpoint, if there is one; say what is wrong with later ones."""
        trainer, archive = self.trainer, self.trainer.archive
        found = self.processes.from_first(lambda: _look_for_run(trainer, resume))
        if found is None:
            return []
        checkpoint = archive.load(found.name)
        facts = checkpoint.facts
        _compare_recipes(trainer.folder, facts["recipe"], trainer.recipe)
        self.precision = facts["precision"]
        self.state = RunState.from_plain(facts["run"])
        self.saved = self.state.update
        restore_model(self.model, _under("model.", checkpoint.tensors))
        restore_optimizer(self.optimizer, self.model, _under("optimizer.", checkpoint.tensors))
        return found.skipped


def _look_for_run(trainer: Trainer, resume: bool) -> Found | None:
    there = trainer.archive.exists() or (trainer.folder / LOG_NAME).exists()
    if there and not resume:
        raise UserError(
            f"{trainer.folder}: holds a training run already. Continue it with --resume, or choose another "
            "output folder."
        )
    trainer.archive.clean()
    return trainer.archive.latest()


def _compare_recipes(folder: Path, saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    changed = sorted(key for key in saved.keys() | wanted.keys() if saved.get(key) != wanted.get(key))
    if changed:
        told = "; ".join(f"{key} was {saved.get(key)!r}, is {wanted.get(key)!r}" for key in changed)
        raise UserError(
            f"{folder}: cannot continue with a changed recipe: {told}. Put it back, or choose another folder."
        )


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _seed(seed: int, update: int, part: int, rank: int) -> int:
    """Seed of the random numbers of one batch in one process."""
    text = f"{seed}/{update}/{part}/{rank}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big")

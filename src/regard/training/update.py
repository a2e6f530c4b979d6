"""One update of the weights: a pure function of weights, moments and the update's number."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from regard.training.config import TrainingConfig
from regard.training.distributed import Processes
from regard.training.precision import Precision, autocast
from regard.training.schedule import learning_rate
from regard.training.trainable import Objective, Trainable
from regard.training.window import Window


class Updater:
    """Makes updates.

    Args:
        model: what is trained.
        trainable: its batches and loss.
        config: the dials.
        optimizers: which share the model's parameters.
        precision: of the matrix products.
        processes: which share each batch.
    """

    def __init__(
        self,
        model: nn.Module,
        trainable: Trainable,
        config: TrainingConfig,
        optimizers: Sequence[Optimizer],
        precision: Precision,
        processes: Processes,
    ) -> None:
        self.trainable = trainable
        self.config = config
        self.optimizers = optimizers
        self.precision = precision
        self.processes = processes
        self.total = config.total(trainable.steps_per_epoch)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.objective: nn.Module = Objective(model, trainable)
        if processes.world > 1:
            devices = [processes.device] if processes.device.type == "cuda" else None
            # Before an update's first batch it gives all processes the first's buffers: REINFORCE's baselines
            # weigh gradients, and a run that resumes finds those of the first everywhere.
            self.objective = DistributedDataParallel(self.objective, device_ids=devices)
            self._settle()

    def batches(self, number: int) -> list[Any]:
        """This process's share of an update's batches; None where there are too few rows to share."""
        first = (number - 1) * self.config.accumulate
        batches = []
        for index in range(first, first + self.config.accumulate):
            epoch, step = divmod(index, self.trainable.steps_per_epoch)
            batches.append(self.trainable.batch(epoch, step, self.processes.rank, self.processes.world))
        return batches

    def rate(self, number: int) -> float:
        """Learning rate of an update."""
        return learning_rate(
            number,
            peak=self.config.learning_rate,
            schedule=self.config.schedule,
            warmup=self.config.warmup_updates(self.total),
            total=self.total,
        )

    def update(self, number: int, batches: Sequence[Any], window: Window) -> None:
        """Make update `number` from its batches, and add what it saw to the window."""
        present = [batch for batch in batches if batch is not None]
        units = sum(self.trainable.units(batch) for batch in present)
        (everyones,) = self.processes.sum([float(units)])
        # DDP takes the mean over processes; what is wanted is the sum over all units, over their number.
        scale = self.processes.world / max(1.0, everyones)
        for part, batch in enumerate(batches):
            torch.manual_seed(_seed(self.config.seed, number, part, self.processes.rank))
            with self._gradients_shared(part == len(batches) - 1):
                with autocast(self.precision, self.processes.device):
                    loss, figures = self.objective(None if batch is None else batch.to(self.processes.device))
                (loss * scale).backward()
            window.add(loss, figures)
        norm = nn.utils.clip_grad_norm_(self.parameters, self.config.clip or math.inf)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate(number)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        window.count(
            norm=norm,
            units=units,
            filled=sum(batch.filled for batch in present),
            positions=sum(batch.positions for batch in present),
        )

    def close(self) -> None:
        """Take DDP apart, before its process group ends.

        Were DDP the last to hold the group, the group's threads would be joined by a thread that holds the
        interpreter's lock, and they may be waiting for that lock: the process would hang. Frames of a
        traceback may hold DDP itself, so what it holds is dropped.
        """
        if isinstance(self.objective, DistributedDataParallel):
            vars(self.objective).clear()

    def _settle(self) -> None:
        """Let DDP lay out its buckets for good, by gradients of nothing.

        It does so after its first backward, and where a number lies in a bucket decides in which order three
        processes or more add it up: a run that resumes would sum its first update in another order than one
        that was never stopped.
        """
        total, _ = self.objective(None)
        total.backward()
        for parameter in self.parameters:
            parameter.grad = None

    def _gradients_shared(self, last: bool) -> AbstractContextManager[None]:
        """Gradients travel between processes with the last batch of an update only."""
        if isinstance(self.objective, DistributedDataParallel) and not last:
            return self.objective.no_sync()
        return nullcontext()


def _seed(seed: int, update: int, part: int, rank: int) -> int:
    """Seed of the random numbers of one batch in one process."""
    text = f"{seed}/{update}/{part}/{rank}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big")

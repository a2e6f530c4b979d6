"""The training loop, one for every task."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import nn

from regard.errors import UserError
from regard.nn.freed_memory import keep_freed_memory
from regard.training.checkpoint import NoSpaceError, is_disk_full
from regard.training.config import TrainingConfig
from regard.training.distributed import join, pick_device
from regard.training.lock import FolderLock
from regard.training.run import Job, Run
from regard.training.signals import StopRequests
from regard.training.trainable import Trainable


class Trainer:
    """Trains a model on a task, and can go on after any kind of end.

    Every update is a pure function of the weights, the moments and its own number: batches come from the
    batch plan, and the random numbers from a seed made of the run's seed, the update and the rank. So a run
    that was killed and resumed ends with the same weights as one that was not: to the bit on a CPU; a GPU's
    kernels may add up in another order each time.

    Args:
        model: the model; trained in place.
        trainable: batches, loss and validation.
        config: the dials.
        folder: gets `checkpoints/`, `log.jsonl`, `tensorboard/` and `curves.png`.
        recipe: what the run was made from, flat, as JSON can hold it; a resume must bring the same.
        console: where progress is shown; None is silent.
        device: None picks a GPU where there is one.
        lock: of the folder, where the caller holds it for longer than training.

    Raises:
        UserError: the task does not validate by the configuration's metric.
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
        lock: FolderLock | None = None,
    ) -> None:
        if config.metric not in trainable.metrics:
            known = ", ".join(sorted(trainable.metrics))
            raise UserError(f"training.metric is {config.metric!r}; this task validates by: {known}")
        self.job = Job(model, trainable, config, folder, dict(recipe or {}), console)
        self.device = device or pick_device()
        self.lock = lock or FolderLock(folder)

    def fit(self, resume: bool = False) -> dict[str, float]:
        """Train to the end and leave the best weights in the model: one validation's, or the average's.

        Args:
            resume: go on from the latest checkpoint; with none yet, begin.

        Returns:
            The validation figures of these weights, with `updates` and `seconds`.

        Raises:
            UserError: the folder holds a run and `resume` is False; the recipe or the data is not that of
                the run resumed; no checkpoint is whole; another process trains here; the disk is full; the
                loss is no longer a number.
            Interrupted: SIGINT or SIGTERM came; everything is saved.
        """
        keep_freed_memory()
        try:
            with ExitStack() as stack:
                processes = stack.enter_context(join(self.device))
                processes.from_first(lambda: stack.enter_context(self.lock) and None)
                stop = stack.enter_context(StopRequests())
                return Run(self.job, processes, stop, stack).go(resume)
        except OSError as error:
            if is_disk_full(error):
                raise NoSpaceError(
                    f"{self.job.folder}: no space left on the disk. Checkpoints are whole: free some "
                    "space and continue with --resume."
                ) from error
            raise

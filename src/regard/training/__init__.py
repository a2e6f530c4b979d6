"""Training: the loop, optimizer, schedules, checkpoints and distributed start-up."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.training.config import TrainingConfig
    from regard.training.signals import Interrupted
    from regard.training.trainable import Batch, Loss, Objective, Trainable
    from regard.training.trainer import Trainer

# Loaded when asked for: a recipe needs the dials of training, but not all that trains.
_HOMES = {
    "Batch": "trainable",
    "Interrupted": "signals",
    "Loss": "trainable",
    "Objective": "trainable",
    "Trainable": "trainable",
    "Trainer": "trainer",
    "TrainingConfig": "config",
}

__all__ = [
    "Batch",
    "Interrupted",
    "Loss",
    "Objective",
    "Trainable",
    "Trainer",
    "TrainingConfig",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

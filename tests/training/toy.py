"""A small task for the trainer: guess the next word."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from regard.attention.dropout import dropout
from regard.errors import UserError
from regard.nn.cross_entropy import linear_cross_entropy
from regard.training import Loss, Trainer, TrainingConfig, checkpoint, run
from regard.training.checkpoint import model_tensors

WORDS, WIDTH = 23, 12


@dataclass(frozen=True)
class ToyBatch:
    ids: Tensor  # [rows, 2]; the second is -100 where it is padding

    @property
    def tokens(self) -> int:
        return int((self.ids[:, 1] >= 0).sum())

    @property
    def filled(self) -> int:
        return self.tokens

    @property
    def positions(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device) -> ToyBatch:
        return replace(self, ids=self.ids.to(device))


class ToyModel(nn.Module):
    def __init__(self, dropped: float = 0.1, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.dropped = dropped
        self.hidden = nn.Linear(WIDTH, WIDTH)  # not in the order of use: DDP lays out its buckets anew
        self.embedding = nn.Embedding(WORDS, WIDTH)
        self.output = nn.Linear(WIDTH, WORDS)
        self.output.weight = self.embedding.weight
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, ids: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
        return dropout(torch.tanh(self.hidden(self.embedding(ids))), self.dropped, self.training)


@dataclass
class ToyTask:
    steps_per_epoch: int = 7
    rows: int = 16
    bad_update: int = -1  # whose loss is not a number
    data: str = "words"
    validations: list[float] = field(default_factory=list)
    unit = "tokens"
    metrics = ("loss", "accuracy")

    def digests(self) -> dict[str, str]:
        return {"train": self.data}

    def _ids(self, epoch: int, step: int) -> Tensor:
        generator = torch.Generator().manual_seed(1000 * epoch + step)
        first = torch.randint(0, WORDS, (self.rows,), generator=generator)
        second = (first * 5 + 3) % WORDS
        # A different share of padding in each row, so that ranks see unequal numbers of units.
        second[torch.rand(self.rows, generator=generator) < torch.linspace(0, 0.9, self.rows)] = -100
        second[0] = 1
        return torch.stack([first, second], 1)

    def batch(self, epoch: int, step: int, rank: int, world: int) -> ToyBatch | None:
        mine = self._ids(epoch, step).tensor_split(world)[rank]
        if step == 3 and rank > 0:  # as at the end of an epoch, when there are fewer rows than processes
            return None
        return ToyBatch(mine if step != 3 else self._ids(epoch, step))

    def units(self, batch: ToyBatch) -> int:
        return batch.tokens

    def loss(self, model: nn.Module, batch: ToyBatch) -> Loss:
        states = model(batch.ids[:, 0])
        output = model.output
        total = linear_cross_entropy(states, output.weight, output.bias, batch.ids[:, 1])
        if self.bad_update == int(model.calls):
            total = total * float("nan")
        return Loss(total, {"half": total.detach() / 2})

    def validate(self, model: nn.Module) -> dict[str, float]:
        ids = torch.arange(WORDS)
        states = model(ids)
        loss = linear_cross_entropy(states, model.output.weight, model.output.bias, (ids * 5 + 3) % WORDS)
        self.validations.append(loss.item() / WORDS)
        right = (model.output(states).argmax(-1) == (ids * 5 + 3) % WORDS).float().mean()
        return {"loss": loss.item() / WORDS, "accuracy": float(right)}


def config(**dials: Any) -> TrainingConfig:
    """A short run."""
    return TrainingConfig(
        **{
            "updates": 40,
            "learning_rate": 0.02,
            "warmup": 5,
            "validate_every": 10,
            "log_every": 5,
            "average": 2,
            "precision": "fp32",
            **dials,
        }
    )


def trainer(folder: Path, *, task: ToyTask | None = None, dropped: float = 0.1, **dials: Any) -> Trainer:
    chosen = config(**dials)
    return Trainer(
        ToyModel(dropped), task or ToyTask(), chosen, folder, recipe=chosen.model_dump(mode="json")
    )


def train(
    folder: Path,
    resume: bool = False,
    kill: tuple[str, int] | None = None,
    variables: dict[str, str] | None = None,
    **dials: Any,
) -> None:
    """Train in a process of its own; `kill` names a place in the run, and which visit to it is the last.

    `variables` are those of the environment that torchrun would set.
    """
    os.environ.update(variables or {})
    torch.set_num_threads(1)
    if kill is not None:
        _kill_at(*kill)
    run.draw_curves = lambda folder: None  # half a second
    made = trainer(folder, **dials)
    try:
        made.fit(resume=resume)
    except UserError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    final = folder / f"final{os.environ.get('RANK', '')}"
    save_file({name: tensor.contiguous() for name, tensor in model_tensors(made.job.model).items()}, final)


def _kill_at(place: str, visit: int) -> None:
    """Make this process kill itself, as `kill -9` does, at the given visit to a place."""
    visits = itertools.count(1)

    def visited(*_: object) -> None:
        if next(visits) == visit:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **options: (visited(), function(*arguments, **options))[1]

    def half_written(tensors: dict[str, Tensor], path: Path) -> None:
        save_file(tensors, path)
        os.truncate(path, path.stat().st_size // 2)
        visited()
        save_file(tensors, path)

    if place == "loss":
        ToyTask.loss = before(ToyTask.loss)  # type: ignore[method-assign]
    elif place == "validate":
        ToyTask.validate = before(ToyTask.validate)  # type: ignore[method-assign]
    elif place == "flush":
        os.fsync = before(os.fsync)
    elif place == "rename":
        Path.replace = before(Path.replace)  # type: ignore[method-assign]
    elif place == "half-written":
        checkpoint.save_file = half_written

"""Models behind the server: each with its card, its figures and its worker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.errors import UserError
from regard.server.batching import Worker
from regard.server.errors import Refused
from regard.server.limits import Limits
from regard.server.metrics import Metrics
from regard.server.turns import Turns
from regard.tasks.folder import load_folder
from regard.tasks.predictor import Predictor
from regard.tasks.predictors import predictor_of
from regard.training.curves import Curves, curves_of
from regard.training.log import read_log


@dataclass(frozen=True)
class Served:
    """One model.

    Attributes:
        name: in addresses.
        predictor: what answers.
        card: the text of its README.md.
        figures: what is in its metrics.json.
        curves: of its training, where the folder has its log.
        worker: its thread.
    """

    name: str
    predictor: Predictor[Any]
    card: str
    figures: dict[str, Any]
    curves: Curves
    worker: Worker

    @property
    def task(self) -> str:
        """As recipes name it."""
        return self.predictor.task

    @property
    def parameters(self) -> int:
        """How many numbers it has learnt."""
        return sum(parameter.numel() for parameter in self.predictor.model.parameters())


class Models:
    """All models of a server, by name.

    Args:
        models: names, and folders or the names of models that ship.
        limits: of each worker.
        metrics: are told of queues and batches.
        device: None is the CPU.

    Raises:
        UserError: none, a name that cannot stand in an address, or a folder that holds no whole model.
    """

    def __init__(
        self, models: Mapping[str, str | Path], limits: Limits, metrics: Metrics, device: str | None = None
    ) -> None:
        if not models:
            raise UserError("a server needs a model at least; name a folder, or one that ships")
        turns = Turns()
        self._served = {
            name: _load(name, place, limits, metrics, turns, device) for name, place in models.items()
        }

    def __iter__(self) -> Iterator[Served]:
        return iter(self._served.values())

    def __getitem__(self, name: str) -> Served:
        """The model of this name.

        Raises:
            Refused: there is none.
        """
        if name not in self._served:
            raise Refused(404, "no_such_model", f"no such model; there are: {', '.join(self._served)}")
        return self._served[name]

    def of(self, name: str, task: str) -> Served:
        """The model of this name, for this task.

        Raises:
            Refused: there is none, or its task is another.
        """
        served = self[name]
        if served.task != task:
            raise Refused(
                404, "another_task", f"{served.name} is a model for {served.task}, and not for {task}"
            )
        return served

    def start(self) -> None:
        """Begins to answer."""
        for served in self:
            served.worker.start()

    def close(self, seconds: float) -> None:
        """Answers what waits, and stops."""
        for served in self:
            served.worker.close(seconds)

    @property
    def ready(self) -> bool:
        """Whether all answer."""
        return all(served.worker.alive for served in self)


def names_of(places: list[str]) -> dict[str, str]:
    """Names for models: the last part of each path, or what stands before ``=``.

    Raises:
        UserError: two have one name.

    Example:
        >>> names_of(["digits", "models/mine", "best=models/run-7"])
        {'digits': 'digits', 'mine': 'models/mine', 'best': 'models/run-7'}
    """
    found: dict[str, str] = {}
    for place in places:
        name, given, path = place.partition("=")
        if not given:
            name, path = Path(place).resolve().name, place
        if name in found:
            raise UserError(f"two models are called {name}; name one of them: other={path}")
        found[name] = path
    return found


def _load(
    name: str, place: str | Path, limits: Limits, metrics: Metrics, turns: Turns, device: str | None
) -> Served:
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UserError(f"{name!r} cannot stand in an address; name the model otherwise: name={place}")
    folder = load_folder(place)
    predictor = predictor_of(folder, device=device)
    worker = Worker(predictor, limits, turns=turns, observe=metrics.batch(name))
    metrics.queue(name, worker.__len__)
    curves = curves_of(read_log(folder.path))
    return Served(name, predictor, folder.card, folder.metrics, curves, worker)

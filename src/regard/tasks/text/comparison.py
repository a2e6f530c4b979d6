"""Models side by side: what each cost and how good it is, runs of several seeds as one."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.errors import UserError
from regard.tasks.folder import read_metrics
from regard.tasks.layout import METRICS, RECIPE, find_model, is_finished
from regard.tasks.recipe import flat, read_resolved
from regard.training.log import read_log

_PER_SECOND = "_per_second"  # how a log's line calls a speed, after its unit
_SEEDS = ("seed", "training.seed", "decoding.seed")
# What two runs must share to be compared under one budget: keys of the recipe.
_BUDGET = (
    *("training.updates", "training.epochs", "training.tokens", "training.images", "training.accumulate"),
    "training.r_drop",
)


@dataclass(frozen=True)
class Spread:
    """A figure over several seeds.

    Attributes:
        mean: of all.
        deviation: the standard deviation of the sample; None of a single value.

    Example:
        >>> Spread.of([1.0, 3.0])
        Spread(mean=2.0, deviation=1.4142135623730951)
        >>> Spread.of([1.0])
        Spread(mean=1.0, deviation=None)
    """

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The mean of values, and how far they lie apart."""
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


@dataclass(frozen=True)
class Bucket:
    """How good translations of sources of like lengths are."""

    bleu: Spread
    sentences: int


@dataclass(frozen=True)
class Compared:
    """A model, or several that differ in nothing but their seeds.

    Attributes:
        name: of the first one's folder.
        task: as recipes name it.
        seeds: how many there are: models of which no two have all their seeds in common.
        parameters: numbers learnt.
        seconds: time trained.
        speed: of training in units a second, the median of the run's log; None where the log is gone.
        unit: tokens, texts or images; None where the log is gone.
        figures: by split of the data, by name.
        by_length: by split, by the most words that a source has; only translators have it.
        budget: what the recipe says of how much was trained, and on what data.
    """

    name: str
    task: str
    seeds: int
    parameters: int
    seconds: Spread
    speed: Spread | None
    unit: str | None
    figures: Mapping[str, Mapping[str, Spread]]
    by_length: Mapping[str, Mapping[str, Bucket]]
    budget: Mapping[str, Any]


@dataclass(frozen=True)
class _Run:
    name: str
    task: str
    key: str
    seeds: tuple[int | None, ...]
    metrics: dict[str, Any]
    speed: float | None
    unit: str | None
    budget: dict[str, Any]


def compare(models: Iterable[str | Path]) -> list[Compared]:
    """What training wrote into model folders, side by side.

    Args:
        models: folders, or names of models that ship. Those that differ in their seeds alone (the recipe's,
            training's, decoding's) become one line; of several with the same seeds the first counts.

    Returns:
        A line for each, in the order of the first of its seeds.

    Raises:
        UserError: no such model, one that is not finished or has no figures, or models of several tasks.

    Example:
        >>> [line.name for line in compare(["en-fr"])]
        ['en-fr']
    """
    groups: dict[str, dict[tuple[int | None, ...], _Run]] = {}
    tasks: dict[str, str] = {}
    for run in map(_read, models):
        groups.setdefault(run.key, {}).setdefault(run.seeds, run)
        tasks.setdefault(run.task, run.name)
    if len(tasks) > 1:
        several = "; ".join(f"{task} ({name})" for task, name in tasks.items())
        raise UserError(f"models of one task are put side by side, and these are of several: {several}")
    return [_line(list(runs.values())) for runs in groups.values()]


def unlike_budgets(lines: Sequence[Compared]) -> list[str]:
    """In words, what was not the same for all: a comparison is of mechanisms only where nothing is listed.

    Example:
        >>> unlike_budgets([])
        []
    """
    found = []
    for key in dict.fromkeys(key for line in lines for key in line.budget):
        values: dict[str, list[str]] = {}
        for line in lines:
            values.setdefault(str(line.budget.get(key)), []).append(line.name)
        if len(values) > 1:
            found.append(f"{key}: " + "; ".join(f"{', '.join(who)} {what}" for what, who in values.items()))
    return found


def _read(model: str | Path) -> _Run:
    folder = find_model(model)
    if not is_finished(folder):
        raise UserError(f"{folder}: this model is not finished; train it to its end first")
    recipe, metrics = read_resolved(folder / RECIPE), read_metrics(folder)
    said, decisive = flat(recipe.resolved()), recipe.decisive()
    if "validation" not in metrics:
        raise UserError(
            f"{folder / METRICS}: no figures of this model's training are stored here: leave it out"
        )
    key = json.dumps({name: value for name, value in said.items() if name not in _SEEDS})
    seeds = tuple(said.get(name) for name in _SEEDS)
    speeds = [
        (value, name.removesuffix(_PER_SECOND))
        for line in read_log(folder)
        for name, value in line.items()
        if name.endswith(_PER_SECOND)
    ]
    budget = {name: decisive.get(name) for name in _BUDGET}
    budget["data"] = str(metrics.get("data", {}).get("train", {}).get("digest"))[:8]
    speed = statistics.median(value for value, _ in speeds) if speeds else None
    unit = speeds[0][1] if speeds else None
    return _Run(folder.name, recipe.task, key, seeds, metrics, speed, unit, budget)


def _line(runs: Sequence[_Run]) -> Compared:
    splits = {
        split: [run.metrics.get(split, {}) for run in runs]
        for split, figures in runs[0].metrics.items()
        if isinstance(figures, Mapping) and split not in ("data", "signatures")
    }
    validation = splits.get("validation", [{}])
    speeds = [run.speed for run in runs if run.speed is not None]
    return Compared(
        name=runs[0].name,
        task=runs[0].task,
        seeds=len(runs),
        parameters=int(runs[0].metrics.get("parameters", 0)),
        seconds=Spread.of([float(figures.get("seconds", 0.0)) for figures in validation]),
        speed=Spread.of(speeds) if speeds else None,
        unit=next((run.unit for run in runs if run.unit is not None), None),
        figures={split: _spreads(figures) for split, figures in splits.items()},
        by_length={
            split: _buckets([one["by_length"] for one in figures])
            for split, figures in splits.items()
            if all("by_length" in one for one in figures)
        },
        budget=runs[0].budget,
    )


def _buckets(several: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, Bucket]:
    return {
        end: Bucket(Spread.of([float(one[end]["bleu"]) for one in several]), int(bucket["sentences"]))
        for end, bucket in several[0].items()
        if all(end in one for one in several)
    }


def _spreads(several: Sequence[Mapping[str, Any]]) -> dict[str, Spread]:
    """The numbers that all of them have; one that is infinite is stored as null."""
    return {
        name: Spread.of([float(one[name]) for one in several])
        for name in several[0]
        if all(isinstance(one.get(name), int | float) for one in several)
    }

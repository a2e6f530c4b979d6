"""What a model's task loses without each of its heads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor

from regard.decoding.search import predicting
from regard.errors import UserError
from regard.lens.editing import edit, heads_of
from regard.tasks.evaluation import Where
from regard.tasks.heads.sample import Sample
from regard.tasks.kinds import KINDS
from regard.tasks.predictor import Predictor


@dataclass(frozen=True, slots=True)
class WithoutHead:
    """A model with one head switched off.

    Attributes:
        place: where the head is.
        head: its number there.
        loss: by how much the mean loss is higher without it.
        error: standard error of that, over the examples, each compared with itself; None of a single example.
        figure: by how much the task's figure changes; None where it was not measured.
    """

    place: str
    head: int
    loss: float
    error: float | None
    figure: float | None = None

    @property
    def beyond_chance(self) -> bool:
        """Whether the loss is more than two standard errors from zero.

        Of heads that do nothing, one in twenty is by chance.
        """
        return self.error is not None and abs(self.loss) > 2 * self.error


@dataclass(frozen=True)
class HeadRanking:
    """What each head is worth, on some examples.

    Attributes:
        data: what was read.
        examples: how many.
        unit: what one of them is, such as "sentence".
        loss: mean loss with all heads, in nats a target token, or a text or picture.
        figure: name of the task's figure.
        value: the figure with all heads; None where it was not measured.
        heads: in the model's order.
    """

    data: str
    examples: int
    unit: str
    loss: float
    figure: str
    value: float | None
    heads: tuple[WithoutHead, ...]

    @property
    def ranked(self) -> list[WithoutHead]:
        """The head that is missed most first."""
        return sorted(self.heads, key=lambda one: -one.loss)


def rank_heads(
    predictor: Predictor[Any],
    data: Where = None,
    split: str = "test",
    *,
    at: str = "*",
    examples: int = 200,
    figure: bool = False,
    each: Callable[[int, int], None] = lambda done, of: None,
) -> HeadRanking:
    """Switches each head off in turn, and measures what the task loses by it (Michel et al. 2019, §3.2).

    All heads are tried on the same examples, evenly spread over the data. Each is switched off by itself:
    heads that can stand in for each other are both cheap to lose, and not both to be lost.

    Args:
        predictor: what `regard.load` gave.
        data: as `regard.tasks.evaluate` has it.
        split: which part of a named set.
        at: shell pattern over the names of places.
        examples: how many sentences, texts or pictures, at most.
        figure: measure the task's figure too, such as BLEU, which takes longer.
        each: is told how many heads are done, and of how many.

    Raises:
        UserError: data that is not there or does not suit the task; no attention there.

    Example::

        rank_heads(regard.load("en-fr"), "tatoeba-en-fr").ranked[0]
    """
    with (
        predicting(predictor.model),
        KINDS[predictor.task].sample(predictor, data, split, examples) as sample,
    ):
        with heads_of(predictor.model) as found:
            whole = sample.losses()
        chosen = [
            (place, head) for place, count in found.items() if fnmatchcase(place, at) for head in range(count)
        ]
        if not chosen:
            raise UserError(
                f"no head to switch off at {at!r}: attention ran at {', '.join(found) or 'no place'}"
            )
        value = sample.measure() if figure else None
        heads = []
        for done, (place, head) in enumerate(chosen):
            each(done, len(chosen))
            heads.append(_without(predictor, sample, whole, value, place, head))
        each(len(chosen), len(chosen))
    return HeadRanking(
        data=sample.name,
        examples=len(whole),
        unit=sample.unit,
        loss=float(whole.sum() / sample.weights.sum()),
        figure=sample.figure,
        value=value,
        heads=tuple(heads),
    )


def _without(
    predictor: Predictor[Any], sample: Sample, whole: Tensor, value: float | None, place: str, head: int
) -> WithoutHead:
    with edit(predictor.model, {place: {"heads": {head: 0.0}}}):
        loss, error = paired(sample.losses() - whole, sample.weights)
        measured = None if value is None else sample.measure() - value
    return WithoutHead(place, head, loss, error, measured)


def paired(differences: Tensor, weights: Tensor) -> tuple[float, float | None]:
    """Mean difference of a loss, and its standard error; None of a single example.

    The mean is a ratio of sums, so that long sentences weigh more; its error is that of a ratio
    (Cochran 1977, §6.4), for sentences, and not tokens, are drawn independently.

    Args:
        differences: [examples], of each example's summed loss.
        weights: [examples], its tokens, or one.

    Example:
        >>> import torch
        >>> paired(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]))
        (2.0, 1.0)
    """
    count, total = len(differences), weights.sum()
    mean = differences.sum() / total
    if count < 2:
        return float(mean), None
    spread = (differences - mean * weights).square().sum() * count / (count - 1)
    return float(mean), float(spread.sqrt() / total)

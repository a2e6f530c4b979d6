"""Beam search: the most probable hypotheses of each length are kept alive (Graves 2012; Wu et al. 2016, §7).

At each step every live hypothesis of a sentence is extended by every token; ``beam`` extensions live on. An
extension by the end of sentence is finished if it is among the ``beam`` best of that step. There are always
``beam`` live ones, so what is finished changes nothing but when to stop, and that is exact: a sentence
leaves when no live hypothesis can come to beat the worst that would be returned, however it goes on. The
result is that of a search up to the limit.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regard.decoding.candidates import check_numbers, log_normaliser, top, widened
from regard.decoding.config import DecodingConfig
from regard.decoding.finished import Finished
from regard.decoding.hypothesis import Hypothesis
from regard.decoding.invariance import Found, margin
from regard.decoding.repetition import control_repetition
from regard.decoding.steps import BeforeStep, Opening, Steps, Watch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Beam:
    """The live hypotheses of a batch.

    Attributes:
        number: each live sentence's number in the batch, [sentences].
        total: log-probabilities, [sentences, width]; the width is 1 at first, then ``beam``.
        history: tokens, [sentences, width, t].
    """

    def __init__(self, opening: Opening, config: DecodingConfig, eos: int) -> None:
        sentences = len(opening.limits)
        self._config, self._eos = config, eos
        self._begin: int = opening.history.shape[1]
        self.number = np.arange(sentences)
        self.limits = opening.limits
        self._latest = np.array([config.penalty(limit + 1) for limit in opening.limits.tolist()])
        self.total: Floats = np.zeros((sentences, 1))
        self.history: Ints = opening.history[:, None, :]
        self.finished = Finished(sentences, config)
        self.contested = np.zeros(sentences, bool)

    @property
    def step(self) -> int:
        """Tokens that every live hypothesis has."""
        return int(self.history.shape[2]) - self._begin

    def candidates(self, logits: Tensor) -> tuple[Floats, Ints, Floats]:
        """The extensions of each hypothesis that can matter.

        Args:
            logits: [sentences * width, vocabulary]; changed in place.

        Returns:
            log-probabilities [sentences, width, beam + 1] and tokens of the best extensions that do not end,
            and log-probabilities [sentences, width] of those that end.
        """
        shape = self.total.shape
        normaliser = log_normaliser(logits)
        check_numbers(normaliser)
        history = self.history.reshape(-1, self.history.shape[2])
        control_repetition(logits, normaliser, history, self._config, eos=self._eos)
        ending = logits[:, self._eos] - normaliser
        logits[:, self._eos] = -torch.inf
        values, tokens = top(logits, min(self._config.beam + 1, logits.shape[1]))
        going = (values - normaliser[:, None]).double().cpu().numpy().reshape(*shape, -1)
        ended = ending.double().cpu().numpy().reshape(shape)
        return (
            self.total[:, :, None] + going,
            tokens.cpu().numpy().reshape(*shape, -1),
            self.total + ended,
        )

    def advance(self, going: Floats, tokens: Ints, ended: Floats, bound: float) -> Ints | None:
        """Take one step with these candidates; give the rows to go on from, or None when all is done."""
        width, wide = self._config.beam, going.shape[2]
        flat = going.reshape(len(going), -1)
        if flat.shape[1] <= width:  # a tiny vocabulary: fill up with what can never win
            flat = np.pad(flat, ((0, 0), (0, width + 1 - flat.shape[1])), constant_values=-np.inf)
        order = np.argsort(-flat, axis=1, kind="stable")[:, : width + 1]
        best: Floats = np.take_along_axis(flat, order, axis=1)
        forced = self.limits <= self.step
        self._finish(best, ended, forced, bound)

        hope = self._hope(best)
        worst = self.finished.worst[self.number]
        close = best[:, width - 1] - best[:, width] < bound
        self.contested[self.number] |= close & (hope[:, width - 1] >= worst - bound) & ~forced

        stay = close_up(~forced & (hope[:, 0] >= worst - bound) & (best[:, 0] > -np.inf))
        if not len(stay):
            return None
        order, total = order[stay, :width], best[stay, :width]
        parents = np.minimum(order // wide, self.total.shape[1] - 1)
        picked = np.take_along_axis(tokens.reshape(len(going), -1)[stay], order % tokens[0].size, axis=1)
        if self.total.shape[1] == width:
            place = keep_places(parents)
            parents, picked, total = (np.take_along_axis(x, place, axis=1) for x in (parents, picked, total))
        rows = stay[:, None] * self.total.shape[1] + parents
        self.total = total
        self.history = np.concatenate([self.history[stay[:, None], parents], picked[:, :, None]], axis=2)
        self.number, self.limits = self.number[stay], self.limits[stay]
        return np.asarray(rows.reshape(-1))

    def tell(self, watch: Watch) -> None:
        """Tells of the most probable live hypothesis of each sentence."""
        best = self.total.argmax(axis=1)
        for number, history, row in zip(self.number.tolist(), self.history, best, strict=True):
            watch(number, history[row, self._begin :].tolist())

    def _hope(self, total: Floats) -> Floats:
        """The best score that live hypotheses [sentences, n] can come to have.

        They only lose probability, and gain most from the length penalty at their shortest or their longest.
        """
        soonest = self._config.penalty(self.step + 2)
        return np.asarray(total / np.maximum(soonest, self._latest[self.number])[:, None])

    def _finish(self, best: Floats, ended: Floats, forced: Bools, bound: float) -> None:
        """Collect the extensions ``ended`` [sentences, width] that are among the best of their sentence."""
        width = self._config.beam
        penalty = self._config.penalty(self.step + 1)
        rivals = np.sort(np.concatenate([best, ended], axis=1), axis=1)[:, ::-1]
        last, first_out = rivals[:, width - 1, None], rivals[:, width, None]
        among = ended >= last
        scores = ended / penalty
        number = self.number[:, None]
        near = (last - first_out < bound) & (abs(ended - last) < bound)
        near &= (scores >= self.finished.worst[number] - bound / penalty) & ~forced[:, None]
        self.contested[self.number] |= near.any(axis=1)
        enter = (among | forced[:, None]) & (scores > self.finished.entry[number]) & (ended > -np.inf)
        for sentence, row in zip(*np.nonzero(enter), strict=True):
            words = self.history[sentence, row, self._begin :].tolist()
            cut = bool(forced[sentence] and not among[sentence, row])
            score, log_probability = float(scores[sentence, row]), float(ended[sentence, row])
            self.finished.add(
                int(self.number[sentence]), Hypothesis(words, score, log_probability, truncated=cut)
            )


def close_up(stay: Bools) -> Ints:
    """The numbers of what stays, those at the end moved into the gaps, so that few move.

    Example:
        >>> close_up(np.array([True, False, True, True])).tolist()
        [0, 3, 2]
    """
    left = np.flatnonzero(stay)
    closed = np.arange(len(left))
    closed[np.flatnonzero(~stay[: len(left)])] = left[left >= len(left)]
    return closed


def keep_places(parents: Ints) -> Ints:
    """An order of children [sentences, width] in which one child of each parent has its parent's place.

    What stays in place need not be moved in a cache.

    Example:
        >>> parents = np.array([[2, 2, 0]])
        >>> np.take_along_axis(parents, keep_places(parents), axis=1).tolist()
        [[0, 2, 2]]
    """
    width = parents.shape[1]
    same = parents[:, :, None] == parents[:, None, :]
    first = ~(same & np.tri(width, k=-1, dtype=bool)).any(axis=2)
    taken = np.zeros(parents.shape, bool)
    np.put_along_axis(taken, parents, True, axis=1)
    free = np.argsort(taken, axis=1, kind="stable")  # free places first
    further = np.take_along_axis(free, np.maximum(np.cumsum(~first, axis=1) - 1, 0), axis=1)
    order = np.empty_like(parents)
    np.put_along_axis(order, np.where(first, parents, further), np.arange(width)[None, :], axis=1)
    return order


def beam_search(
    model: Steps,
    opening: Opening,
    config: DecodingConfig,
    *,
    eos: int,
    watch: Watch | None = None,
    before_step: BeforeStep = lambda: None,
) -> Found:
    """Search a batch of sentences.

    Args:
        model: gives logits.
        opening: the sentences.
        config: beam, n_best, length penalty, repetition control.
        eos: the end of sentence.
        watch: is told of the most probable live hypothesis of every sentence that goes on.
        before_step: is called; what it raises ends all.

    Returns:
        ``n_best`` hypotheses of each sentence, best first (fewer where fewer exist).
    """
    beam, cache = Beam(opening, config, eos), opening.cache
    if not len(opening.limits):
        return Found([], beam.contested)
    tokens = opening.last()
    while True:
        before_step()
        raw = model.logits(model.step(tokens, cache))
        bound = margin(raw.dtype, tokens=beam.step, wanted=config.batch_invariant)
        with np.errstate(invalid="ignore"):
            rows = beam.advance(*beam.candidates(widened(raw)), bound)
        if rows is None:
            break
        if watch is not None:
            beam.tell(watch)
        if not np.array_equal(rows, np.arange(raw.shape[0])):
            cache.select(torch.from_numpy(rows).to(raw.device))
        tokens = torch.from_numpy(beam.history[:, :, -1].reshape(-1).copy()).to(raw.device)
    return Found(beam.finished.results(), beam.contested | beam.finished.contested(bound))

"""What each step of training draws from a corpus: its rows as they are encoded, or cut anew in every epoch.

With BPE-dropout a row's length is known only once it is cut, and rows of like lengths are no longer alike: on
captions at a rate of 0.1 a third of each batch would be padding. So the rows of a *window* of consecutive
batches are cut together, put in order of their new lengths and divided anew into as many batches.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from regard.data.ordering import by_length
from regard.data.permutation import mix, permute
from regard.data.plan import BatchPlan, check_step
from regard.data.text.corpus import EncodedCorpus, Flat, Side
from regard.data.text.subwords import MergeTable, recut
from regard.data.text.tokenizer import Tokenizer

Ints = npt.NDArray[np.int64]

# Batches in a window. On Multi30k en-de (4,096 tokens, rate 0.1) 1 gives 33 % padding, 8: 16 %, 16: 12 %,
# 32: 9.7 %, 64: 8.7 %; without dropout it is 4.7 %.
WINDOW = 64
# Rows cut to find how much longer they become.
SAMPLE = 512


class Draws(Protocol):
    """Batches of a corpus, each a pure function of its place in the training."""

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches; every row is in exactly one of them."""

    def draw(self, epoch: int, step: int, rank: int = 0, world: int = 1) -> tuple[Flat, ...] | None:
        """One rank's rows of a batch, by side; None where the batch has fewer rows than ranks.

        Raises:
            ValueError: step or rank out of range.
        """


def draws_of(
    corpus: EncodedCorpus,
    tokenizers: Sequence[Tokenizer],
    dropout: float,
    longest: int,
    tokens: int,
    seed: int,
    *,
    specials: int = 1,
) -> Draws:
    """Rows as they are encoded, or with dropout cut anew; see the two classes for the rest.

    Args:
        corpus: what is drawn from.
        tokenizers: of each side that counts for a row's length.
        dropout: probability of skipping a merge.
        longest: most tokens of a row that is cut anew.
        tokens: budget of a batch, rows × longest side.
        seed: of the order and of the cuts.
        specials: tokens that a batch adds to each side.
    """
    if not dropout:
        return EncodedDraws(corpus, tokens, seed, specials=specials, sides=len(tokenizers))
    merges = [tokenizer.merges for tokenizer in tokenizers]
    return RecutDraws(corpus, merges, dropout, longest, tokens, seed, specials=specials)


class EncodedDraws:
    """Rows as the corpus has them.

    Args:
        corpus: what is drawn from.
        tokens: budget of a batch, rows × longest side.
        seed: of the order.
        specials: tokens that a batch adds to each side.
        sides: how many sides count for a row's length.
    """

    def __init__(
        self, corpus: EncodedCorpus, tokens: int, seed: int, *, specials: int = 1, sides: int = 2
    ) -> None:
        self.corpus = corpus
        self.plan = BatchPlan(corpus.lengths[:, :sides], tokens, seed, corpus.folder, specials)
        self.steps_per_epoch = self.plan.steps_per_epoch

    def draw(self, epoch: int, step: int, rank: int = 0, world: int = 1) -> tuple[Flat, ...] | None:
        """See `Draws.draw`."""
        rows = self.plan.plan(epoch, step, rank, world)
        return self.corpus.gather(rows) if len(rows) else None


class RecutDraws:
    """Rows cut anew in every epoch (BPE-dropout, Provilkov et al. 2020), in batches of like new lengths.

    Args:
        corpus: what is drawn from.
        merges: of each side's tokenizer that is cut; sides after these (such as labels) stay as they are.
        rate: probability of skipping a merge.
        longest: a row that a cut would make longer than this stays as it is.
        tokens: rows × longest side of a batch, which is kept in the mean: how much longer rows become is
            found on a sample.
        seed: of the order and of the cuts.
        specials: tokens that a batch adds to each side.

    Holds one window of rows, which each rank cuts by itself: about a second of work every `WINDOW` batches.
    """

    def __init__(
        self,
        corpus: EncodedCorpus,
        merges: Sequence[MergeTable],
        rate: float,
        longest: int,
        tokens: int,
        seed: int,
        *,
        specials: int = 1,
    ) -> None:
        self.corpus, self.merges, self.rate, self.longest = corpus, merges, rate, longest
        self.seed, self.specials = seed, specials
        plain = corpus.lengths[:, : len(merges)]
        rows = np.unique(np.linspace(0, len(corpus) - 1, SAMPLE).astype(np.int64))
        # One sample for every seed, so that the order on disk is found again.
        longer = _lengths(self._cut(rows)[: len(merges)]) + specials
        growth = longer.max(axis=1).sum() / (plain[rows].max(axis=1) + specials).sum()
        self.plan = BatchPlan(plain, max(round(tokens / growth), 1), seed, corpus.folder, specials)
        self.steps_per_epoch = self.plan.steps_per_epoch
        self._windows = -(-self.steps_per_epoch // WINDOW)
        self._held: tuple[tuple[int, int], _Window] | None = None

    def draw(self, epoch: int, step: int, rank: int = 0, world: int = 1) -> tuple[Flat, ...] | None:
        """See `Draws.draw`."""
        check_step(step, self.steps_per_epoch, rank, world)
        # Windows of even size: a last one of a single batch would be padded as if there were none.
        number = ((step + 1) * self._windows - 1) // self.steps_per_epoch
        held = self._held
        if held is None or held[0] != (epoch, number):
            self._held = held = (epoch, number), self._window(epoch, number)
        first, window = self._start(number), held[1]
        size = len(window.batches) - 1
        batch = int(permute(step - first, size, mix(self.seed, epoch, number, 2)))
        rows = window.order[window.batches[batch] : window.batches[batch + 1]][rank::world]
        return tuple(side.gather(rows) for side in window.sides) if len(rows) else None

    def _start(self, number: int) -> int:
        return number * self.steps_per_epoch // self._windows

    def _window(self, epoch: int, number: int) -> "_Window":
        steps = range(self._start(number), self._start(number + 1))
        sides = self._cut(np.concatenate([self.plan.plan(epoch, step) for step in steps]), self.seed, epoch)
        lengths = _lengths(sides[: len(self.merges)])
        order = by_length(lengths, self.specials)
        longest = lengths.max(axis=1)[order] + self.specials
        return _Window(tuple(map(Side.of, sides)), order, divided(longest, len(steps)))

    def _cut(self, rows: Ints, *key: int) -> tuple[Flat, ...]:
        sides = self.corpus.gather(rows)
        cut = (
            recut(flat, rows, merges, self.rate, self.longest, (*key, side))
            for side, (flat, merges) in enumerate(zip(sides, self.merges, strict=False))
        )
        return *cut, *sides[len(self.merges) :]


class _Window(NamedTuple):
    """Rows of some batches, cut; their order by length; where in it each batch starts (the end included)."""

    sides: tuple[Side, ...]
    order: Ints
    batches: Ints


def divided(lengths: Ints, parts: int) -> Ints:
    """Where to divide rows so that the largest part, rows × longest, is as small as it can be, [parts + 1].

    Args:
        lengths: of each row, ascending; at least `parts`.
        parts: how many; none is empty.

    Example:
        >>> divided(np.array([1, 1, 1, 1, 4, 4]), 3).tolist()
        [0, 4, 5, 6]
    """

    def packed(budget: int) -> list[int]:
        ends = [0]
        while (first := ends[-1]) < len(lengths):
            cells = np.arange(1, len(lengths) - first + 1) * lengths[first:]
            ends.append(first + max(int(np.searchsorted(cells, budget, side="right")), 1))
        return ends

    most = len(lengths) * int(lengths[-1])
    least = bisect_left(range(most), True, key=lambda budget: len(packed(budget)) <= parts + 1)
    ends = packed(least)
    while len(ends) <= parts:  # fewer would do; halves keep within the budget
        at = int(np.diff(ends).argmax())
        ends.insert(at + 1, (ends[at] + ends[at + 1]) // 2)
    return np.array(ends, np.int64)


def _lengths(sides: tuple[Flat, ...]) -> Ints:
    return np.stack([lengths for _, lengths in sides], axis=1)

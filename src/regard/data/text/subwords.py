"""BPE-dropout (Provilkov et al. 2020) on token ids, drawn from a seed.

The `tokenizers` library has dropout too, but from a source that cannot be seeded, and a batch must be a pure
function of its seed. Working on ids, it needs no text: an encoded corpus is enough.
"""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import numpy.typing as npt
import tokenizers

from regard.data.permutation import mix
from regard.data.text.corpus import Flat

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MergeTable:
    """The merges of a bpe vocabulary.

    Attributes:
        ranks: (left id, right id) to (rank, merged id); a lower rank merges first.
        letters: for each id, the ids of the letters that it is merged from.
        opens: for each id, whether it opens a word (starts with a space).

    Example:
        >>> from regard.data.text import Tokenizer, TokenizerConfig
        >>> tokenizer = Tokenizer.train(["the cat sat"] * 9, TokenizerConfig(vocabulary=277))
        >>> ids = tokenizer.encode("the cat")
        >>> split = tokenizer.merges.resample(ids, 0.9, Random(1))
        >>> len(split) > len(ids), tokenizer.decode(split)
        (True, 'the cat')
    """

    ranks: dict[tuple[int, int], tuple[int, int]]
    letters: list[tuple[int, ...]]
    opens: list[bool]

    @classmethod
    def of(cls, inner: tokenizers.Tokenizer) -> "MergeTable":
        """Read the merges of a tokenizer of kind bpe or character.

        Raises:
            ValueError: another kind.
        """
        model = json.loads(inner.to_str())["model"]
        if model["type"] != "BPE":
            raise ValueError(f"dropout skips merges, which a {model['type']} vocabulary does not have")
        ids = model["vocab"]
        letters: list[tuple[int, ...]] = [(index,) for index in range(len(ids))]
        opens = [False] * len(ids)
        for token, index in ids.items():
            opens[index] = token[:1].isspace()
        ranks = {}
        for rank, (left, right) in enumerate(model["merges"]):
            merged = ids[left + right]
            ranks[ids[left], ids[right]] = (rank, merged)
            letters[merged] = letters[ids[left]] + letters[ids[right]]
        return cls(ranks, letters, opens)

    def resample(self, ids: Sequence[int], rate: float, chance: Random) -> list[int]:
        """The same text cut anew, each merge skipped with probability `rate` at each step.

        Args:
            ids: tokens as `Tokenizer.encode` gives them (no merge skipped).
            rate: probability of skipping, from 0 (nothing changes) to 1 (letters only).
            chance: what is drawn from.
        """
        if rate <= 0:
            return list(ids)
        out: list[int] = []
        for word in self._words(ids):
            merges = sum(len(self.letters[index]) - 1 for index in word)
            # A word keeps its usual cut until its best merge is skipped for the first time; when that happens
            # is geometric, so words that keep their cut (most of them) cost one number each.
            failure = int(math.log(1 - chance.random()) / math.log1p(-rate)) if rate < 1 else 0
            out += word if failure >= merges else self._recut(word, failure, rate, chance)
        return out

    def _words(self, ids: Sequence[int]) -> list[list[int]]:
        words: list[list[int]] = []
        for index in ids:
            if self.opens[index] or not words:
                words.append([index])
            else:
                words[-1].append(index)
        return words

    def _recut(self, word: list[int], failure: int, rate: float, chance: Random) -> list[int]:
        """Merge from letters; at step `failure`, but not before, the best merge is skipped."""
        pieces = [letter for index in word for letter in self.letters[index]]
        ranks, step = self.ranks, 0
        while True:
            found = sorted(
                (ranks[pair], at) for at, pair in enumerate(itertools.pairwise(pieces)) if pair in ranks
            )
            if step == failure:
                del found[:1]
            # Whether a merge is kept need be drawn only until one is: the best of those kept is made.
            kept = found if step < failure else (one for one in found if chance.random() >= rate)
            best = next(iter(kept), None)
            if best is None:
                return pieces
            (_, merged), at = best
            pieces[at : at + 2] = [merged]
            step += 1


def recut(
    rows: Flat, numbers: Ints, merges: MergeTable, rate: float, longest: int, key: tuple[int, ...]
) -> Flat:
    """Rows of a corpus cut anew; each a pure function of its number and the key, whatever is cut beside it.

    Args:
        rows: one side of some rows, as `EncodedCorpus.gather` gives them.
        numbers: which rows these are [rows].
        merges: of the side's tokenizer.
        rate: probability of skipping a merge.
        longest: a row that would become longer than this keeps its usual cut, which may be longer.
        key: what else the cut depends on, such as seed, epoch and 0 for source, 1 for target.
    """
    ids, lengths = rows[0].tolist(), rows[1].tolist()
    start, common, chance = 0, mix(*key), Random()
    cut = []
    for number, length in zip(numbers.tolist(), lengths, strict=True):
        chance.seed(common ^ number)
        usual = ids[start : start + length]
        new = merges.resample(usual, rate, chance)
        cut.append(new if len(new) <= longest else usual)
        start += length
    made = np.fromiter(map(len, cut), np.int64, len(cut))
    return np.fromiter(itertools.chain.from_iterable(cut), rows[0].dtype, made.sum()), made

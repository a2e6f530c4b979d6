"""BPE-dropout (Provilkov et al. 2020) on token ids, drawn from a seeded generator.

The `tokenizers` library has dropout too, but from a source that cannot be seeded, and a batch must be a pure
function of its seed. Working on ids, it needs no text: an encoded corpus is enough.
"""

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tokenizers

from regard.data.permutation import mix
from regard.data.text.corpus import Side


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
        >>> split = tokenizer.merges.resample(ids, 0.9, np.random.default_rng(1))
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

    def resample(self, ids: list[int], rate: float, generator: np.random.Generator) -> list[int]:
        """The same text cut anew, each merge skipped with probability `rate` at each step.

        Args:
            ids: tokens as `Tokenizer.encode` gives them (no merge skipped).
            rate: probability of skipping, from 0 (nothing changes) to 1 (letters only).
            generator: what chance is drawn from.
        """
        if rate <= 0 or not ids:
            return list(ids)
        words = self._words(ids)
        counts = np.array([sum(len(self.letters[i]) - 1 for i in word) for word in words])
        # A word keeps its usual cut until one of its own merges is skipped for the first time; when that
        # happens is geometric, so words that keep their cut (most of them) cost one number each.
        first = generator.geometric(min(rate, 1.0), size=len(words)) - 1
        out: list[int] = []
        for word, merges, failure in zip(words, counts.tolist(), first.tolist(), strict=True):
            out += word if failure >= merges else self._recut(word, failure, rate, generator)
        return out

    def _words(self, ids: list[int]) -> list[list[int]]:
        words: list[list[int]] = []
        for index in ids:
            if self.opens[index] or not words:
                words.append([index])
            else:
                words[-1].append(index)
        return words

    def _recut(self, word: list[int], failure: int, rate: float, generator: np.random.Generator) -> list[int]:
        pieces = [letter for index in word for letter in self.letters[index]]
        step = 0
        while True:
            found = [
                (*ranked, at)
                for at in range(len(pieces) - 1)
                if (ranked := self.ranks.get((pieces[at], pieces[at + 1]))) is not None
            ]
            found.sort()
            if step == failure:
                found = found[1:]
            if step >= failure:
                kept = generator.random(len(found)) >= rate
                found = [merge for merge, keep in zip(found, kept.tolist(), strict=True) if keep]
            if not found:
                return pieces
            _, merged, at = found[0]
            pieces[at : at + 2] = [merged]
            step += 1


def recut(
    side: Side,
    rows: npt.NDArray[np.int64],
    merges: MergeTable,
    rate: float,
    key: tuple[int, ...],
) -> list[list[int]]:
    """Rows of a corpus cut anew; a pure function of its arguments, whatever else is in the batch.

    Args:
        side: source or target of a corpus.
        rows: which rows [rows].
        merges: of the side's tokenizer.
        rate: probability of skipping a merge.
        key: what else the cut depends on, such as seed, epoch and 0 for source, 1 for target.
    """
    return [
        merges.resample(side[row].tolist(), rate, np.random.Generator(np.random.PCG64(mix(*key, row))))
        for row in rows.tolist()
    ]

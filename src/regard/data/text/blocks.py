"""Blocks of a stream of documents, for language modelling."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from regard.data.permutation import mix, permute
from regard.data.plan import check_step
from regard.data.text.batches import BOS, EOS, IGNORE, TextBatch
from regard.data.text.corpus import EncodedCorpus
from regard.data.text.tokenizer import Tokenizer


class Documents:
    """An encoder for `regard.data.build_corpus` that puts each text between <s> and </s>.

    Example:
        >>> from regard.data.text.config import TokenizerConfig
        >>> tokenizer = Tokenizer.train(["to be"] * 9, TokenizerConfig(kind="character"))
        >>> ids = Documents(tokenizer).encode_batch(["be"])[0]
        >>> ids[0], ids[-1], len(ids)
        (2, 3, 5)
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @property
    def size(self) -> int:
        """Number of different ids."""
        return self._tokenizer.size

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, with <s> and </s>."""
        return [[BOS, *ids, EOS] for ids in self._tokenizer.encode_batch(texts)]

    def to_bytes(self) -> bytes:
        """What tells this encoder from another."""
        return b"documents" + self._tokenizer.to_bytes()


class TextCorpus:
    """The documents of a corpus, end to end, cut into blocks of one length: no padding at all.

    Args:
        corpus: single texts, encoded by `Documents`.
        block: tokens a block.
        apart: batches tell which document each token is of, so that none need see another.
    """

    def __init__(self, corpus: EncodedCorpus, block: int, *, apart: bool = False) -> None:
        if block < 2:
            raise ValueError(f"a block of {block} tokens leaves nothing to predict; give at least 2")
        self.corpus, self.block, self.apart = corpus, block, apart
        self._stream = corpus.source.ids
        # The last, shorter block is filled up with padding.
        self._blocks = max(-(-(len(self._stream) - 1) // block), 1)

    def __len__(self) -> int:
        return self._blocks

    def __getitem__(self, index: int) -> npt.NDArray[np.integer[Any]]:
        """The tokens of a block and the one after it, at most block + 1.

        Raises:
            IndexError: no such block.
        """
        if not 0 <= index < self._blocks:
            raise IndexError(f"block {index} of {self._blocks}")
        return self._stream[index * self.block : (index + 1) * self.block + 1]

    def batch(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> TextBatch:
        """Blocks as a batch [blocks, block]; what follows </s> is never a target, being another document."""
        rows = np.full((len(indices), self.block + 1), -1, np.int64)
        for row, index in zip(rows, indices, strict=True):
            tokens = self[int(index)]
            row[: len(tokens)] = tokens
        inputs, targets = rows[:, :-1], rows[:, 1:]
        mask = targets >= 0
        counted = mask & (targets != BOS)
        return TextBatch(
            torch.from_numpy(np.where(mask, inputs, 0)),
            torch.from_numpy(mask),
            torch.from_numpy(np.where(counted, targets, IGNORE)),
            int(counted.sum()),
            int(mask.sum()),
            torch.from_numpy(np.cumsum(inputs == BOS, axis=1)) if self.apart else None,
        )


class BlockPlan:
    """Which blocks each rank reads at each step: the plan of `regard.data.BatchPlan` for rows of one length.

    Args:
        count: number of blocks.
        rows: blocks a batch; the last batch of an epoch may have fewer.
        seed: of the shuffle.

    Example:
        >>> plan = BlockPlan(5, 2, seed=0)
        >>> sorted(i for step in range(plan.steps_per_epoch) for i in plan.plan(0, step).tolist())
        [0, 1, 2, 3, 4]
    """

    def __init__(self, count: int, rows: int, seed: int) -> None:
        if count < 1 or rows < 1:
            raise ValueError(f"{count} blocks in batches of {rows}: both must be at least 1")
        self._count, self._rows, self.seed = count, rows, seed
        self.steps_per_epoch = -(-count // rows)

    def plan(self, epoch: int, step: int, rank: int = 0, world: int = 1) -> npt.NDArray[np.int64]:
        """Blocks of one rank of a batch; see `regard.data.BatchPlan.plan`.

        Raises:
            ValueError: step or rank out of range.
        """
        check_step(step, self.steps_per_epoch, rank, world)
        first = step * self._rows
        places = np.arange(first + rank, min(first + self._rows, self._count), world)
        return permute(places, self._count, mix(self.seed, epoch))

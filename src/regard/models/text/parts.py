"""What encoders and decoders have in common, so that any goes with any."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from regard.models.text.cache import Cache
from regard.models.text.memory import Decoded, Memory
from regard.nn.precision import working_dtype


class Encoder(nn.Module, ABC):
    """Reads an embedded source."""

    @abstractmethod
    def forward(self, x: Tensor, mask: Tensor) -> Memory:
        """Encode x [batch, source, width]; mask [batch, source] is True for real tokens, which come first."""


class Decoder(nn.Module, ABC):
    """Writes a target; without a source it is a language model."""

    @abstractmethod
    def forward(
        self,
        x: Tensor,
        memory: Memory | None = None,
        mask: Tensor | None = None,
        documents: Tensor | None = None,
    ) -> Decoded:
        """Decode x [batch, target, width], embedded, knowing all of it (teacher forcing).

        Args:
            x: the target.
            memory: the source, if the decoder has one.
            mask: [batch, target], True for real tokens; needed only where padding is not at the end.
            documents: [batch, target], the number of each token's document, where none sees another.
        """

    @abstractmethod
    def start(self, memory: Memory | None, batch: int, max_length: int, like: Tensor) -> Cache:
        """An empty cache for `batch` rows and `max_length` tokens, of the dtype and device of `like`."""

    @abstractmethod
    def step(self, x: Tensor, cache: Any) -> Tensor:
        """Decode the next tokens x [batch, count, width], embedded; gives their states.

        Raises:
            ValueError: the cache is full.
        """


def check_mask(mask: Tensor, x: Tensor) -> None:
    """Check that a mask fits a text.

    Args:
        mask: [batch, length], True for real tokens.
        x: [batch, length, width], the embedded text.

    Raises:
        ValueError: a mask of another shape, or not of booleans.

    Example:
        >>> check_mask(torch.ones(1, 3), torch.zeros(1, 3, 8))
        Traceback (most recent call last):
        ...
        ValueError: a text of [batch, length] [1, 3] takes a boolean mask of that shape, True for real ...
    """
    if mask.shape != x.shape[:2] or mask.dtype != torch.bool:
        raise ValueError(
            f"a text of [batch, length] {list(x.shape[:2])} takes a boolean mask of that shape, True for "
            f"real tokens, was given {mask.dtype} {list(mask.shape)}"
        )


def check_padding(mask: Tensor) -> None:
    """Check that padding comes at the end: what reads word after word would read it before others.

    Args:
        mask: [batch, length], True for real tokens.

    Raises:
        ValueError: padding before a real token.

    Example:
        >>> check_padding(torch.tensor([[True, True, False], [False, False, False]]))
        >>> check_padding(torch.tensor([[False, True, True]]))
        Traceback (most recent call last):
        ...
        ValueError: recurrent layers read what stands before a word: padding comes at the end
    """
    if bool((mask[:, 1:] & ~mask[:, :-1]).any()):
        raise ValueError("recurrent layers read what stands before a word: padding comes at the end")


def begin_writing(output: nn.Linear, length: int, limit: int | None) -> Tensor:
    """Check that `length` tokens may be written; an empty tensor of the dtype and device to write them in.

    Raises:
        ValueError: more tokens than the model's `limit`, or fewer than none.

    Example:
        >>> begin_writing(nn.Linear(2, 3), 9, limit=8)
        Traceback (most recent call last):
        ...
        ValueError: cannot write 9 tokens: the model's max_length is 8
    """
    if length < 0:
        raise ValueError(f"cannot write {length} tokens")
    if limit is not None and length > limit:
        raise ValueError(f"cannot write {length} tokens: the model's max_length is {limit}")
    return torch.empty(0, dtype=working_dtype(output.weight), device=output.weight.device)

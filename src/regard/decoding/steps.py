"""What decoding asks of a model: to be run one token at a time, over a cache whose rows can be chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Watch = Callable[[int, Sequence[int]], None]
"""Told after each step: a sentence's number, and the tokens of its best hypothesis so far."""

BeforeStep = Callable[[], None]
"""Called before each step; what it raises ends the search."""


class Cache(Protocol):
    """The state of a decoder after some tokens, one row per hypothesis."""

    def select(self, rows: Tensor) -> None:
        """Keep, repeat or reorder rows: row i becomes what row ``rows[i]`` was."""


class Steps(Protocol):
    """A decoder that is run step by step.

    Attributes:
        max_length: the longest sequence it can hold, beginning counted; None if there is no limit.
    """

    max_length: int | None

    def step(self, tokens: Tensor, cache: Any) -> Tensor:
        """Read one token per row [b] and give the decoder's states [b, d]; the cache grows by one token."""

    def logits(self, states: Tensor) -> Tensor:
        """The scores [..., vocabulary] of every next token, given states [..., d]."""


class TranslationSteps(Steps, Protocol):
    """An encoder-decoder."""

    def encode(self, source: Tensor, mask: Tensor) -> Any:
        """Read sources [b, s]; mask [b, s] is True at real tokens."""

    def start(self, memory: Any, max_length: int) -> Any:
        """A cache with room for ``max_length`` tokens a row, one row per source."""


class ForcedSteps(Protocol):
    """An encoder-decoder that reads a whole target at once."""

    def __call__(self, source: Tensor, mask: Tensor, target: Tensor) -> Any:
        """Decode [b, s], [b, s], [b, t] to an object with ``states`` [b, t, d]."""

    def logits(self, states: Tensor) -> Tensor:
        """The scores [..., vocabulary] of every next token, given states [..., d]."""


class LanguageSteps(Steps, Protocol):
    """A decoder-only language model."""

    def start(self, batch: int, max_length: int) -> Any:
        """An empty cache with room for ``max_length`` tokens in each of ``batch`` rows."""

    def prefill(self, tokens: Tensor, cache: Any) -> Any:
        """Read all tokens [b, t] at once."""


@dataclass
class Opening:
    """A batch about to be decoded.

    Attributes:
        cache: the decoder's state before the last token of ``history``, one row per sentence.
        history: what each row begins with, [sentences, t]: <s>, or a prompt.
        limits: the most tokens each output may have before its end, [sentences].
        device: where the model is, and wants its tokens.
    """

    cache: Cache
    history: NDArray[np.int64]
    limits: NDArray[np.int64]
    device: torch.device

    def last(self) -> Tensor:
        """The newest token of each row, [sentences], for the model's first step."""
        return torch.from_numpy(self.history[:, -1].copy()).to(self.device)

"""What models of Hugging Face share, of texts and of pictures: they run once, and are looked at."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import torch

from regard.errors import RegardWarning, UserError
from regard.lens import NothingSeenError, Seen, look

At = str | Iterable[str]

MOST_BYTES = 2 << 30
"""Of weights held at once."""

MESSAGE = 300
"""Letters that are told of an error of another library, which may be long."""


class ForeignModel(ABC):
    """Another library's model, to be looked at.

    Args:
        name: by which it was asked for.
        model: on fused attention, in eval mode.

    Attributes:
        task: what it is for here.
    """

    task = "looking"

    def __init__(self, name: str, model: Any) -> None:
        self.name = name
        self.model = model

    @cached_property
    def places(self) -> dict[str, int]:
        """Where attention runs, by the path of its module, and with how many heads; found by running once.

        Raises:
            UserError: none of it can be seen; the message says why.
        """
        with torch.no_grad():
            seen = self.watched(self._least, "*", keep="summary", top=1)
        return {place: len(one.heads) for place, one in seen.items()}

    def watched(self, run: Callable[[], object], at: At, **options: Any) -> Seen:
        """What is seen while the model runs.

        Raises:
            UserError: nothing, or what is not so; the message says why.
        """
        with self.telling(), look(self.model, at, **options) as seen:
            run()
        for place in seen:
            if (runs := len(seen.runs(place))) > 1:
                warnings.warn(
                    f"{self.name}: {place} runs {runs} times, as layers that share their weights do; what is "
                    "shown of it is the last run",
                    category=RegardWarning,
                    stacklevel=1,  # the same line each time, so that it is told once
                )
        return seen

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Runs foreign code on what its folder says; whatever goes wrong is told in one sentence."""
        try:
            yield
        except UserError:
            raise
        except (NothingSeenError, ValueError, IndexError) as error:
            raise UserError(f"{self.name}: {error}") from None
        except (
            Exception
        ) as error:  # sizes that do not fit, arguments that it does not know, too little memory
            told = " ".join(str(error).split())[:MESSAGE] or type(error).__name__
            raise UserError(f"{self.name}: it cannot be run on this: {told}") from error

    def check_size(self, at: At, queries: int, keys: int) -> None:
        """Makes sure, before the model runs, that there is room for the weights of some places.

        Raises:
            UserError: there is not.
        """
        patterns = [at] if isinstance(at, str) else list(at)
        heads = sum(
            count
            for place, count in self.places.items()
            if any(fnmatchcase(place, pattern) for pattern in patterns)
        )
        wanted = 4 * heads * queries * keys
        if wanted > MOST_BYTES:
            raise UserError(
                f"{self.name}: all weights of {heads} heads, {queries:,} queries and {keys:,} keys would "
                f"take {wanted / 1e9:.1f} GB; look at fewer places (--at), or at figures of them (--summary)"
            )

    @abstractmethod
    def length(self, given: Any) -> int:
        """How many positions the model makes of an input.

        Raises:
            UserError: of this one none.
        """

    @abstractmethod
    def _least(self) -> object:
        """Runs the model on as little as it takes."""

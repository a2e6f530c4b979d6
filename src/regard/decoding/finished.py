"""Hypotheses that have ended: which are the best, and whether their order is certain."""

import bisect

import numpy as np
from numpy.typing import NDArray

from regard.decoding.config import DecodingConfig
from regard.decoding.hypothesis import Hypothesis


class Finished:
    """The best finished hypotheses of each sentence, and one more to tell by what margin they won.

    Args:
        sentences: how many.
        config: ``n_best``.

    Attributes:
        worst: score of the last that would be returned, [sentences].
        entry: score to beat to be kept, [sentences].

    Example:
        >>> finished = Finished(1, DecodingConfig(sample=True, n_best=2))
        >>> for tokens, score in ([7], -2.0), ([8], -1.0):
        ...     finished.add(0, Hypothesis(tokens, score, score))
        >>> [hypothesis.tokens for hypothesis in finished.results()[0]]
        [[8], [7]]
    """

    def __init__(self, sentences: int, config: DecodingConfig) -> None:
        self._config = config
        self._kept: list[list[Hypothesis]] = [[] for _ in range(sentences)]
        self.worst = np.full(sentences, -np.inf)
        self.entry = np.full(sentences, -np.inf)

    def add(self, sentence: int, hypothesis: Hypothesis) -> None:
        """Keep a hypothesis if it is good enough."""
        kept, wanted = self._kept[sentence], self._config.n_best
        bisect.insort(kept, hypothesis, key=lambda h: -h.score)
        del kept[wanted + 1 :]
        if len(kept) >= wanted:
            self.worst[sentence] = kept[wanted - 1].score
        if len(kept) > wanted:
            self.entry[sentence] = kept[wanted].score

    def results(self) -> list[list[Hypothesis]]:
        """The hypotheses of each sentence, best first."""
        return [kept[: self._config.n_best] for kept in self._kept]

    def contested(self, bound: float) -> NDArray[np.bool_]:
        """Where the order of the results was decided by less than ``bound`` in log-probability."""

        def close(better: Hypothesis, worse: Hypothesis) -> bool:
            if better.tokens == worse.tokens:  # as samples may be: no order to decide
                return False
            scale = min(h.log_probability / h.score if h.score else 1.0 for h in (better, worse))
            return (better.score - worse.score) * scale < bound

        return np.array([any(map(close, kept, kept[1:])) for kept in self._kept], bool)

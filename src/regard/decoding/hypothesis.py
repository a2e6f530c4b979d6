"""What a search returns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hypothesis:
    """One output for one input.

    Attributes:
        tokens: the output's ids, without beginning and end of sentence.
        score: what hypotheses are ranked by, ``log_probability / length ** alpha``.
        log_probability: natural logarithm of the probability of the tokens and of ending after them, as
            repetition control left it.
        truncated: the output reached its maximum length and was ended there.

    Example:
        >>> Hypothesis(tokens=[7, 8], score=-0.5, log_probability=-1.5).truncated
        False
    """

    tokens: list[int]
    score: float
    log_probability: float
    truncated: bool = False

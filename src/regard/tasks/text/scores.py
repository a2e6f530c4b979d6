"""Scores of translations, by sacreBLEU, each with the signature that says how it was computed."""

from collections.abc import Sequence
from typing import cast

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF


def transposed(references: Sequence[Sequence[str]]) -> list[list[str]]:
    """References by sentence to streams, as sacreBLEU wants them; None where a sentence has fewer.

    Example:
        >>> transposed([["a", "b"], ["c"]])
        [['a', 'c'], ['b', None]]
    """
    most = max(map(len, references))
    streams = [[one[i] if i < len(one) else None for one in references] for i in range(most)]
    return cast(list[list[str]], streams)  # sacreBLEU's types forget that it takes None


def quick_scores(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """BLEU and chrF against all references, as validation reports them.

    Example:
        >>> quick_scores(["the cat sat down"], [["the cat sat down"]])["bleu"]
        100.0
    """
    streams = transposed(references)
    return {
        "bleu": round(BLEU().corpus_score(hypotheses, streams).score, 4),
        "chrf": round(CHRF().corpus_score(hypotheses, streams).score, 4),
    }

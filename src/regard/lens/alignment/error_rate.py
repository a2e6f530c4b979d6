"""How well alignments agree with those of a reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regard.lens.alignment.links import Links


@dataclass(frozen=True, slots=True)
class AlignmentScore:
    """Alignment error rate, precision and recall (Och & Ney 2003, §5.1), each a share of one.

    Attributes:
        error_rate: 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|), where P has the sure links too.
        precision: |A ∩ P| / |A|.
        recall: |A ∩ S| / |S|.
        sentences: how many.
    """

    error_rate: float
    precision: float
    recall: float
    sentences: int


def alignment_score(found: Iterable[Links], reference: Iterable[Links]) -> AlignmentScore:
    """Scores alignments, all sentences counted together.

    Args:
        found: alignments; possible links count as links.
        reference: of the same sentences.

    Raises:
        ValueError: not as many as in the reference.

    Example:
        >>> score = alignment_score([Links.parse("0-0 1-1")], [Links.parse("0-0 1?1 2-2")])
        >>> round(score.error_rate, 4), score.precision, score.recall
        (0.25, 1.0, 0.5)
    """
    links = sure = hits = in_possible = in_sure = sentences = 0
    for ours, theirs in zip(found, reference, strict=True):
        every = ours.every
        links += len(every)
        sure += len(theirs.sure)
        in_sure += len(every & theirs.sure)
        in_possible += len(every & theirs.every)
        sentences += 1
    hits = in_sure + in_possible
    return AlignmentScore(
        error_rate=1 - hits / (links + sure) if links + sure else 0.0,
        precision=in_possible / links if links else 1.0,
        recall=in_sure / sure if sure else 1.0,
        sentences=sentences,
    )

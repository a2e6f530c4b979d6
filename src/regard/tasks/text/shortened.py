"""Texts without some of their tokens; what stands behind moves up, as in DeYoung et al. (2020, §4.2).

An unknown token in the place of each would be another answer, but byte-level vocabularies never saw one, and
a mask would be another network for each kind of encoder.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def shortened(ids: Sequence[int], gone: Tensor) -> list[list[int]]:
    """The ids that stay, of each trial.

    Args:
        ids: of the tokens.
        gone: [trials, tokens].

    Example:
        >>> shortened([7, 8, 9], torch.tensor([[False, True, False]]))
        [[7, 9]]
    """
    return [[one for one, away in zip(ids, row, strict=True) if not away] for row in gone.tolist()]


def last_kept(gone: Tensor) -> Tensor:
    """Of each position, where the last that stays, of it and those before, has moved to: [trials, tokens].

    Example:
        >>> last_kept(torch.tensor([[False, True, False]]))
        tensor([[0, 0, 1]])
    """
    return (~gone).cumsum(1) - 1


def padded(rows: Sequence[Sequence[int]], pad: int) -> Tensor:
    """Rows of ids as one tensor, padded at the end.

    Example:
        >>> padded([[7, 9], [7]], 0)
        tensor([[7, 9],
                [7, 0]])
    """
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])


def read_out(
    logits: Callable[[Tensor], Tensor], states: Tensor, read: Tensor, written: Sequence[int], asked: Tensor
) -> Tensor:
    """How probable tokens that were written are after shortened texts.

    Args:
        logits: the model's, from states [n, width].
        states: [trials, tokens, width], of the shortened texts.
        read: [trials, answers], the state that each answer is read from; see `last_kept`.
        written: the answers' ids.
        asked: [trials, answers], which of them to ask for.

    Returns:
        [trials, answers], zero where nothing was asked.

    Example:
        >>> states, read, asked = torch.zeros(1, 2, 4), torch.tensor([[0, 1]]), torch.tensor([[True, False]])
        >>> read_out(lambda rows: rows, states, read, [3, 2], asked)
        tensor([[0.2500, 0.0000]])
    """
    rows, answers = asked.nonzero(as_tuple=True)
    probabilities = logits(states[rows, read[rows, answers]]).float().softmax(-1).cpu()
    found = torch.zeros(asked.shape)
    found[asked] = probabilities.gather(1, torch.tensor(written)[answers, None])[:, 0]
    return found

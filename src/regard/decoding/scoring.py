"""Forced decoding: how probable a model finds a given target."""

from collections.abc import Sequence

import torch
from torch import Tensor

from regard.decoding.search import predicting
from regard.decoding.steps import ForcedSteps
from regard.nn.cross_entropy import token_log_probabilities


def score(
    model: ForcedSteps,
    source: Tensor,
    mask: Tensor,
    targets: Sequence[Sequence[int]],
    *,
    bos: int,
    eos: int,
) -> list[list[float]]:
    """The log-probability of every token of given targets, and of their ends.

    Args:
        model: an encoder-decoder.
        source: ids [sentences, s], padded on the right.
        mask: [sentences, s], True at real tokens.
        targets: ids of each target, without <s> and </s>.
        bos, eos: what a target begins and ends with.

    Returns:
        For each target a natural logarithm per token and one for its end; their sum is what
        ``Hypothesis.log_probability`` says of the same tokens, where no repetition penalty changed it.

    Raises:
        ValueError: there are not as many targets as sources.
    """
    if len(targets) != len(source):
        raise ValueError(f"{len(source)} sources need as many targets, not {len(targets)}")
    if not targets:
        return []
    longest = max(map(len, targets)) + 1
    wanted = torch.full((len(targets), longest), eos, dtype=torch.long)
    for row, target in enumerate(targets):
        wanted[row, : len(target)] = torch.tensor(list(target), dtype=torch.long)
    wanted = wanted.to(source.device)
    given = torch.cat([torch.full_like(wanted[:, :1], bos), wanted[:, :-1]], dim=1)
    real = torch.tensor([[i <= len(target) for i in range(longest)] for target in targets])
    with predicting(model):
        states = model(source, mask, given).states[real.to(source.device)]
        found = token_log_probabilities(model.logits, states, wanted[real.to(source.device)])
    values = torch.split(found, [len(target) + 1 for target in targets])
    return [part.tolist() for part in values]

"""Figures of attention that need no map: O(keys) for each head, whatever the length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.lens.capture.block import Block, take

_STRETCH = 32


@dataclass(frozen=True, slots=True)
class Summary:
    """What all queries of a layer looked at, in figures, on the CPU.

    Attributes:
        received: [batch, heads, keys], the weight that each key was given, summed over queries.
        entropy: [batch, heads, queries] of each row, in nats: 0 for one key, log n for n keys alike.
        distance: [batch, heads, queries], mean of |position of the query - position of the key|.
        largest: [batch, heads, queries], the largest weight of each row.
        top_keys: [batch, heads, queries, top], the keys with the largest weights, the largest first; -1 where
            a row had fewer keys.
        top_weights: [batch, heads, queries, top], their weights.
    """

    received: Tensor
    entropy: Tensor
    distance: Tensor
    largest: Tensor
    top_keys: Tensor
    top_weights: Tensor


class Summariser:
    """Adds up blocks of weights.

    Args:
        shape: batch, heads, queries and keys of the call.
        heads: the heads that blocks are of.
        first: position of the first query among the keys.
        top: how many keys to name.

    Example:
        >>> sums = Summariser((1, 1, 1, 2), [0], first=0, top=1)
        >>> sums.add(Block([0], [0], torch.tensor([[[[0.25, 0.75]]]]), torch.zeros(1, 1, 1, 1)))
        >>> sums.summary.top_keys, sums.summary.distance
        (tensor([[[[1]]]], dtype=torch.int32), tensor([[[0.7500]]]))
    """

    def __init__(self, shape: tuple[int, int, int, int], heads: Sequence[int], first: int, top: int) -> None:
        batch, _, queries, keys = shape
        self._heads, self._first = heads, first
        of_queries = batch, len(heads), queries
        self.summary = Summary(
            received=torch.zeros(batch, len(heads), keys),
            entropy=torch.zeros(of_queries),
            distance=torch.zeros(of_queries),
            largest=torch.zeros(of_queries),
            top_keys=torch.full((*of_queries, top), -1, dtype=torch.int32),
            top_weights=torch.zeros(*of_queries, top),
        )

    def add(self, block: Block) -> None:
        """Takes a block in; heads that are not wanted are passed over."""
        found = [at for at, head in enumerate(block.heads) if head in self._heads]
        weights = take(block.weights, 1, found)
        heads = torch.tensor([self._heads.index(block.heads[at]) for at in found])[:, None]
        rows = torch.tensor(block.rows)
        keys, kept = weights.shape[-1], self.summary
        # A row of a sigmoid selection need not sum to one; entropy and distance are of its shares.
        total = weights.sum(-1)
        share = total.clamp_min(torch.finfo(total.dtype).tiny)
        kept.received[:, heads[:, 0], :keys] += weights.sum(2).cpu()
        places = torch.arange(keys, device=weights.device, dtype=weights.dtype)
        apart = (places - (rows.to(places) + self._first)[:, None]).abs_()
        kept.distance[:, heads, rows] = (torch.linalg.vecdot(weights, apart) / share).float().cpu()
        largest, at = _largest(weights, min(keys, kept.top_keys.shape[-1]))
        kept.top_keys[:, heads, rows, : at.shape[-1]] = at.int().masked_fill(largest == 0, -1).cpu()
        kept.top_weights[:, heads, rows, : at.shape[-1]] = largest.float().cpu()
        kept.largest[:, heads, rows] = largest[..., 0].float().cpu()
        if block.scores is None:
            entropy = torch.special.entr(weights).sum(-1) / share + torch.xlogy(total, total) / share
        else:
            entropy = _entropy(weights, take(block.scores, 1, found), largest[..., 0])
        kept.entropy[:, heads, rows] = entropy.float().cpu()


def _entropy(weights: Tensor, scores: Tensor, largest: Tensor) -> Tensor:
    """-Σ w log w of rows of a softmax, without a logarithm of each weight, which takes longer than all else.

    log w = log w_max - (s_max - s). Scores are changed: they are not needed any more.
    """
    top = scores.amax(-1, keepdim=True).clamp_min_(torch.finfo(scores.dtype).min)
    # Where a weight is zero its score does not matter; it must only be finite.
    scores.sub_(top).clamp_min_(-1e4)
    at_top = largest.clamp_min(torch.finfo(largest.dtype).tiny).log()
    entropy: Tensor = -at_top * (largest > 0) - torch.linalg.vecdot(weights, scores)
    return entropy.clamp_min_(0.0)


def _largest(weights: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The largest weights of each row, and where they are.

    Of long rows only the stretches are searched that have the largest maxima: the rest has none of them.

    Example:
        >>> values, places = _largest(torch.arange(999.0)[None], 2)
        >>> values, places
        (tensor([[998., 997.]]), tensor([[998, 997]]))
    """
    keys = weights.shape[-1]
    whole = keys - keys % _STRETCH
    if keys < 8 * count * _STRETCH:
        values, places = weights.topk(count, -1)
        return values, places
    stretches = weights[..., :whole].reshape(*weights.shape[:-1], -1, _STRETCH)
    chosen = stretches.amax(-1).topk(count, -1).indices
    starts = chosen[..., None] * _STRETCH + torch.arange(_STRETCH, device=weights.device)
    behind = torch.arange(whole, keys, device=weights.device).expand(*weights.shape[:-1], -1)
    places = torch.cat([starts.flatten(-2), behind], -1)
    values, among = weights.gather(-1, places).topk(count, -1)
    return values, places.gather(-1, among)


def join(steps: Sequence[Summary]) -> Summary:
    """The summary of a run that was made step by step.

    Example:
        >>> one = Summariser((1, 1, 1, 2), [0], first=0, top=1).summary
        >>> join([one, one]).entropy.shape
        torch.Size([1, 1, 2])
    """
    if len(steps) == 1:
        return steps[0]
    keys = max(step.received.shape[-1] for step in steps)
    received = [F.pad(step.received, (0, keys - step.received.shape[-1])) for step in steps]
    return Summary(
        received=torch.stack(received).sum(0),
        entropy=torch.cat([step.entropy for step in steps], 2),
        distance=torch.cat([step.distance for step in steps], 2),
        largest=torch.cat([step.largest for step in steps], 2),
        top_keys=torch.cat([step.top_keys for step in steps], 2),
        top_weights=torch.cat([step.top_weights for step in steps], 2),
    )

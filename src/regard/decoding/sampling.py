"""Sampling: draw each token from the model's distribution, with the same draws in any batch.

A token is drawn by the exponential race: with E ~ Exp(1) for each token, the largest of ``logit - log E``
falls on a token with its probability (the Gumbel-max trick; Maddison et al. 2014, §2). Each row has a random
stream of its own, so a sample does not depend on its batch, and a near-tie shows as a small margin, as in
greedy search.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regard.decoding.candidates import top
from regard.decoding.config import DecodingConfig


def keep_probable(logits: Tensor, top_k: int, top_p: float) -> tuple[Tensor, Tensor]:
    """Remove improbable tokens: all but the k best, then all beyond those that reach probability p.

    Args:
        logits: [rows, vocabulary].
        top_k: tokens to keep; 0 keeps all.
        top_p: probability to reach; 1 keeps all. Holtzman et al. 2020, §3.1.

    Returns:
        which tokens are kept, and how much noise in the logits would carry each across the border, both
        [rows, vocabulary].

    Example:
        >>> kept, border = keep_probable(torch.tensor([[0.5, 0.3, 0.2]]).log(), 0, 0.6)
        >>> kept
        tensor([[ True,  True, False]])
        >>> border
        tensor([[0.6000, 0.1000, 0.2000]])
    """
    vocabulary = logits.shape[1]
    kept = torch.ones_like(logits, dtype=torch.bool)
    border = torch.full_like(logits, torch.inf)
    if top_k and top_k < vocabulary:
        best, places = top(logits, top_k + 1)
        kept = torch.zeros_like(kept).scatter_(1, places[:, :-1], True)
        border = torch.where(kept, logits - best[:, -1:], best[:, -2:-1] - logits)
    if top_p < 1:
        ranked, places = logits.masked_fill(~kept, -torch.inf).sort(dim=1, descending=True, stable=True)
        before = ranked.double().softmax(dim=1).cumsum(dim=1).roll(1, dims=1)
        before[:, 0] = 0.0
        within = before < top_p
        count = within.sum(dim=1, keepdim=True)
        last = ranked.gather(1, count - 1)
        after = ranked.gather(1, count.clamp(max=vocabulary - 1))
        # A token crosses the border where the probability before it does, or where it changes places with
        # the token on the other side.
        swap = torch.where(within, ranked - after, last - ranked)
        cross = torch.minimum(
            (before - top_p).abs().float(), swap.masked_fill(count == vocabulary, torch.inf)
        )
        border = torch.minimum(border, torch.empty_like(cross).scatter_(1, places, cross))
        kept = kept & torch.empty_like(within).scatter_(1, places, within)
    return kept, border.nan_to_num_(nan=torch.inf)  # what can never be drawn never matters


class Sampler:
    """Chooses tokens by chance; a ``Choose`` of :func:`regard.decoding.single.follow`.

    Args:
        config: temperature, top_k, top_p and seed.
        keys: what each row's random stream depends on beside the seed: the row's own tokens, a sample's
            number.

    Example:
        >>> sampler = Sampler(DecodingConfig(sample=True, top_k=1), keys=[[5, 3]])
        >>> sampler(torch.tensor([[0.0, 2.0, 1.0]]), np.array([0]))[0]
        tensor([1])
    """

    def __init__(self, config: DecodingConfig, keys: Sequence[Sequence[int]]) -> None:
        self._config = config
        self._streams = [
            np.random.Generator(np.random.PCG64(np.random.SeedSequence([config.seed, *key]))) for key in keys
        ]

    def __call__(self, logits: Tensor, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Draw a token per row: tokens and margins, [rows] each."""
        config = self._config
        # From the largest, so that a temperature near zero gives no infinity.
        warm = (logits - logits.amax(dim=1, keepdim=True)) / config.temperature
        kept, border = keep_probable(warm, config.top_k, config.top_p)
        waits = np.empty(warm.shape, np.float32)
        for place, row in enumerate(rows):
            self._streams[row].standard_exponential(dtype=np.float32, out=waits[place])
        delays = torch.from_numpy(waits).to(warm.device).clamp_min_(1e-30).log_()
        race = warm - delays
        values, tokens = top(race.masked_fill(~kept, -torch.inf), min(2, warm.shape[1]))
        winner = tokens[:, :1]
        gap = torch.minimum(values[:, 0] - values[:, -1], border.gather(1, winner)[:, 0])
        # A token that was removed matters if noise could both let it in and let it win.
        upset = torch.maximum(border, values[:, :1] - race).masked_fill(kept, torch.inf)
        gap = torch.minimum(gap, upset.amin(dim=1))
        return tokens[:, 0], gap * min(config.temperature, 1.0)

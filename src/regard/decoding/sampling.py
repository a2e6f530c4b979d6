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
        logits with -inf at what was removed, and by what margin the borders were drawn, [rows].

    Example:
        >>> kept, _ = keep_probable(torch.tensor([[0.5, 0.3, 0.2]]).log(), 0, 0.6)
        >>> kept.exp()
        tensor([[0.5000, 0.3000, 0.0000]])
    """
    vocabulary = logits.shape[1]
    gap = torch.full_like(logits[:, 0], torch.inf)
    if top_k and top_k < vocabulary:
        best = top(logits, top_k + 1)[0]
        gap = best[:, -2] - best[:, -1]
        logits = logits.masked_fill(logits < best[:, -2, None], -torch.inf)
    if top_p < 1:
        width = min(top_k, vocabulary) if top_k else vocabulary
        best = top(logits, width)[0]
        before = best.double().softmax(dim=1).cumsum(dim=1).roll(1, dims=1)
        before[:, 0] = 0.0
        last = (before < top_p).sum(dim=1, keepdim=True) - 1
        gap = torch.minimum(gap, (before - top_p).abs().amin(dim=1).float())
        least = best.gather(1, last)
        after = torch.cat([best, torch.full_like(least, -torch.inf)], dim=1).gather(1, last + 1)
        gap = torch.minimum(gap, (least - after)[:, 0])
        logits = logits.masked_fill(logits < least, -torch.inf)
    return logits, gap


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
        warm = logits / config.temperature
        warm, border = keep_probable(warm, config.top_k, config.top_p)
        waits = np.empty(warm.shape, np.float32)
        for place, row in enumerate(rows):
            self._streams[row].standard_exponential(dtype=np.float32, out=waits[place])
        delays = torch.from_numpy(waits).to(warm.device).clamp_min_(1e-30).log_()
        values, tokens = top(warm - delays, min(2, warm.shape[1]))
        gap = values[:, 0] - values[:, -1]
        return tokens[:, 0], torch.minimum(gap, border) * min(config.temperature, 1.0)

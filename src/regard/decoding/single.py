"""One path per row: greedy search and sampling share this loop and differ in how they choose a token."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regard.decoding.candidates import check_numbers, log_normaliser, top, widened
from regard.decoding.config import DecodingConfig
from regard.decoding.finished import Finished
from regard.decoding.hypothesis import Hypothesis
from regard.decoding.invariance import Found, margin
from regard.decoding.repetition import control_repetition
from regard.decoding.steps import BeforeStep, Opening, Steps, Watch

Choose = Callable[[Tensor, NDArray[np.int64]], tuple[Tensor, Tensor]]
"""From logits [rows, vocabulary] and each row's number: the tokens chosen and by what margin, [rows] each."""

_LEAVE = 8  # finished rows stay until they are an eighth of the batch: to leave costs a copy of the cache


def greedy(logits: Tensor, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Choose the most probable token.

    Example:
        >>> greedy(torch.tensor([[0.0, 3.0, 2.5]]), np.array([0]))
        (tensor([1]), tensor([0.5000]))
    """
    values, tokens = top(logits, min(2, logits.shape[1]))
    return tokens[:, 0], values[:, 0] - values[:, -1]


def follow(
    model: Steps,
    opening: Opening,
    config: DecodingConfig,
    choose: Choose,
    *,
    eos: int,
    watch: Watch | None = None,
    before_step: BeforeStep = lambda: None,
) -> Found:
    """Extend every row by one chosen token at a time until it ends.

    A row that reaches its limit is ended there. Ended rows leave the batch.

    Args:
        model: gives logits.
        opening: the rows, ``n_best`` for each sentence, which stand side by side.
        config: ``n_best``, repetition control and length penalty.
        choose: picks each row's next token.
        eos: the end of sentence.
        watch: is told of every row that goes on.
        before_step: is called; what it raises ends all.

    Returns:
        The hypotheses of each sentence, one per row, best first.
    """
    rows = len(opening.limits)
    cache, history, limits = opening.cache, opening.history, opening.limits
    begin = history.shape[1]
    number, live = np.arange(rows), np.ones(rows, bool)
    total, contested, noise = np.zeros(rows), np.zeros(rows, bool), 0.0
    finished = Finished(rows // config.n_best, config)
    tokens = opening.last()
    for step in range(int(limits.max(initial=-1)) + 1):
        before_step()
        raw = model.logits(model.step(tokens, cache))
        bound, logits = margin(raw.dtype, wanted=config.batch_invariant), widened(raw)
        noise = margin(raw.dtype, tokens=step, wanted=config.batch_invariant)
        normaliser = log_normaliser(logits)
        check_numbers(normaliser)
        control_repetition(logits, normaliser, history, config, eos=eos)
        tokens, gaps = choose(logits, number)
        forced = live & (limits <= step)
        cut = forced & (tokens != eos).cpu().numpy()  # of its own accord it would not end here
        if cut.any():
            tokens[torch.from_numpy(cut).to(tokens.device)] = eos
        gained = logits.gather(1, tokens[:, None])[:, 0] - normaliser
        picked = tokens.cpu().numpy()
        total += gained.double().cpu().numpy()
        contested[number] |= (gaps.cpu().numpy() < bound) & live & ~forced
        history = np.concatenate([history, picked[:, None]], axis=1)
        ended = live & (picked == eos)
        for row in np.flatnonzero(ended):
            score = total[row] / config.penalty(step + 1)
            words = history[row, begin:-1].tolist()
            hypothesis = Hypothesis(words, float(score), float(total[row]), bool(cut[row]))
            finished.add(int(number[row]) // config.n_best, hypothesis)
        live &= ~ended
        stay = np.flatnonzero(live)
        if watch is not None:
            for row in stay:
                watch(int(number[row]), history[row, begin:].tolist())
        if not len(stay):
            break
        if _LEAVE * (len(live) - len(stay)) >= len(live):
            kept = torch.from_numpy(stay).to(tokens.device)
            cache.select(kept)
            tokens = tokens[kept]
            history, total, limits = history[stay], total[stay], limits[stay]
            number, live = number[stay], live[stay]
    chosen = contested.reshape(-1, config.n_best).any(axis=1)
    return Found(finished.results(), chosen | finished.contested(noise))

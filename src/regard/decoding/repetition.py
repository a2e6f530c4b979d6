"""Repetition control: a penalty on tokens already used, and n-grams that may not return."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regard.decoding.config import DecodingConfig


def repeated(history: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tokens that would complete an n-gram a row already has.

    Args:
        history: tokens so far, [rows, t].
        size: n, at least 1.

    Returns:
        Matching arrays of rows and tokens.

    Example:
        >>> rows, tokens = repeated(np.array([[5, 6, 5]]), 2)
        >>> tokens.tolist()
        [6]
    """
    length = history.shape[1]
    if length < size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    grams = np.lib.stride_tricks.sliding_window_view(history, size, axis=1)  # [rows, t - n + 1, n]
    tail = history[:, length - size + 1 :]
    same = (grams[:, :, :-1] == tail[:, None, :]).all(axis=2)
    row, start = np.nonzero(same)
    return row, grams[row, start, size - 1]


def control_repetition(
    logits: Tensor, normaliser: Tensor, history: NDArray[np.int64], config: DecodingConfig, *, eos: int
) -> None:
    """Change logits in place as the configuration's repetition dials say; the end of sentence stays as it is.

    Args:
        logits: [rows, vocabulary].
        normaliser: log of the sum of exp of each row, [rows]; logits minus it are log-probabilities.
        history: what each row has so far, [rows, t].
        config: ``repetition_penalty`` and ``no_repeat_ngram``.
        eos: the end of sentence.
    """
    if config.repetition_penalty == 1.0 and not config.no_repeat_ngram:
        return
    ending = logits[:, eos].clone()
    if config.repetition_penalty != 1.0:
        used = torch.from_numpy(history).to(logits.device)
        seen = logits.gather(1, used)
        base = normaliser[:, None]
        logits.scatter_(1, used, base + (seen - base) * config.repetition_penalty)
    if config.no_repeat_ngram:
        rows, tokens = repeated(history, config.no_repeat_ngram)
        if len(rows):
            at = torch.from_numpy(rows).to(logits.device), torch.from_numpy(tokens).to(logits.device)
            logits[at] = -torch.inf
    logits[:, eos] = ending

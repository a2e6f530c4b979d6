"""From sources or prompts to hypotheses: the entrance to every way of decoding."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from regard.decoding.beam import beam_search
from regard.decoding.config import DecodingConfig
from regard.decoding.hypothesis import Hypothesis
from regard.decoding.invariance import Found, decode_alike
from regard.decoding.sampling import Sampler
from regard.decoding.single import follow, greedy
from regard.decoding.steps import BeforeStep, LanguageSteps, Opening, Steps, TranslationSteps, Watch
from regard.nn.freed_memory import keep_freed_memory
from regard.nn.product import settled_weights


@contextmanager
def predicting(model: object) -> Iterator[None]:
    """Switch dropout and gradients off, and put the model back as it was."""
    keep_freed_memory()
    was = isinstance(model, nn.Module) and model.training
    if was:
        model.eval()  # type: ignore[attr-defined]
    try:
        with torch.inference_mode(), settled_weights():
            yield
    finally:
        if was:
            model.train()  # type: ignore[attr-defined]


def search(
    model: TranslationSteps,
    source: Tensor,
    mask: Tensor,
    config: DecodingConfig,
    *,
    bos: int,
    eos: int,
    watch: Watch | None = None,
    before_step: BeforeStep = lambda: None,
) -> list[list[Hypothesis]]:
    """Translate a batch of sentences: greedily, by beam search or by sampling, as the configuration says.

    In float32 on a CPU a sentence's tokens do not depend on the batch (:mod:`regard.decoding.invariance`);
    its scores may, in their last bits.

    Args:
        model: an encoder-decoder.
        source: ids [sentences, s], padded on the right.
        mask: [sentences, s], True at real tokens.
        config: how to search.
        bos, eos: what an output begins and ends with.
        watch: is told what each sentence has come to so far; not of samples. What beam search thinks best may
            change its beginning from one step to the next, and a sentence that is decoded again begins again.
        before_step: is called before each step of the batch; what it raises ends the search.

    Returns:
        For each sentence ``n_best`` hypotheses or samples, best first. Beam search gives fewer where fewer
        exist.

    Raises:
        ValueError: source and mask differ in shape, or a source has no token.
    """
    if source.shape != mask.shape or source.dim() != 2:
        raise ValueError(
            f"source {tuple(source.shape)} and mask {tuple(mask.shape)} must both be [sentences, s]"
        )
    lengths = mask.sum(dim=1).tolist()
    if 0 in lengths:
        raise ValueError(f"source {lengths.index(0)} has no tokens: leave empty sentences out")

    def decode(numbers: Sequence[int]) -> Found:
        chosen, longest = list(numbers), max(lengths[n] for n in numbers)
        ids, real = source[chosen, :longest], mask[chosen, :longest]
        limits = np.array([config.limit(lengths[n]) for n in numbers])
        if model.max_length is not None:
            limits = np.minimum(limits, model.max_length - 1)
        cache = model.start(model.encode(ids, real), int(limits.max()) + 1)
        opening = Opening(cache, np.full((len(chosen), 1), bos), limits, source.device)
        keys = [ids[i, : lengths[n]].tolist() for i, n in enumerate(numbers)] if config.sample else []
        told = None if watch is None else lambda row, tokens: watch(numbers[row], tokens)
        return _decode(model, opening, config, keys, eos=eos, watch=told, before_step=before_step)

    with predicting(model):
        return decode_alike(decode, len(lengths))


def generate(
    model: LanguageSteps,
    prompts: Sequence[Sequence[int]],
    config: DecodingConfig,
    *,
    lengths: Sequence[int],
    eos: int,
    before_step: BeforeStep = lambda: None,
) -> list[list[Hypothesis]]:
    """Continue prompts with a language model.

    Args:
        model: a decoder-only model.
        prompts: ids, each with at least one (such as <s>). Those of one length are decoded together.
        config: how to search; ``max_ratio`` and ``max_extra`` do not apply.
        lengths: the most tokens to add, of each prompt.
        eos: what ends a text.
        before_step: see :func:`search`.

    Returns:
        For each prompt its continuations, as in :func:`search`.

    Raises:
        ValueError: a prompt is empty, a length is less than 1, or there are not as many as prompts.
    """
    if len(lengths) != len(prompts) or min(lengths, default=1) < 1 or not all(prompts):
        raise ValueError("every prompt needs at least one token, and a length that is at least 1")
    same: dict[int, list[int]] = {}
    for index, prompt in enumerate(prompts):
        same.setdefault(len(prompt), []).append(index)
    parameters = model.parameters() if isinstance(model, nn.Module) else iter(())
    device = next((parameter.device for parameter in parameters), torch.device("cpu"))
    found: list[list[Hypothesis]] = [[] for _ in prompts]
    for size, group in same.items():

        def decode(numbers: Sequence[int], size: int = size, group: list[int] = group) -> Found:
            history = np.array([list(prompts[group[n]]) for n in numbers])
            limits = np.array([lengths[group[n]] for n in numbers])
            cache = model.start(len(history), size + int(limits.max()))
            if size > 1:
                model.prefill(torch.from_numpy(history[:, :-1].copy()).to(device), cache)
            opening = Opening(cache, history, limits, device)
            return _decode(model, opening, config, history.tolist(), eos=eos, before_step=before_step)

        with predicting(model):
            for index, hypotheses in zip(group, decode_alike(decode, len(group)), strict=True):
                found[index] = hypotheses
    return found


def _decode(
    model: Steps,
    opening: Opening,
    config: DecodingConfig,
    keys: Sequence[Sequence[int]],
    *,
    eos: int,
    watch: Watch | None = None,
    before_step: BeforeStep,
) -> Found:
    """Run the search that is asked for; ``keys`` tell samples of different sentences apart."""
    if not config.sample:
        if config.beam == 1:
            return follow(model, opening, config, greedy, eos=eos, watch=watch, before_step=before_step)
        return beam_search(model, opening, config, eos=eos, watch=watch, before_step=before_step)
    draws = config.n_best
    rows = np.repeat(np.arange(len(opening.limits)), draws)
    if draws > 1:
        opening.cache.select(torch.from_numpy(rows).to(opening.device))
    wide = Opening(opening.cache, opening.history[rows], opening.limits[rows], opening.device)
    sampler = Sampler(config, [[draw, *key] for key in keys for draw in range(draws)])
    return follow(model, wide, config, sampler, eos=eos, before_step=before_step)

"""From weights to links."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from regard.lens.alignment.links import Links


def word_weights(
    weights: Tensor, query_words: Sequence[int | None], key_words: Sequence[int | None]
) -> Tensor:
    """What words attend to: tokens of a word that looks are averaged, of one that is looked at summed.

    Args:
        weights: [..., queries, keys], of tokens.
        query_words: number of the word that each query is of; None is left out.
        key_words: the same of the keys.

    Returns:
        [..., words of the queries, words of the keys].

    Example:
        >>> import torch
        >>> weights = torch.tensor([[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]])
        >>> word_weights(weights, [0, 0], [0, 1, 1])
        tensor([[0.2000, 0.8000]])
    """
    looked_at = _members(key_words, weights)
    looking = _members(query_words, weights)
    shares = looking / looking.sum(0).clamp_min(1)
    return shares.T @ (weights @ looked_at)


def links_of(weights: Tensor, *, threshold: float = 0.0, both: bool = False) -> Links:
    """Links each word that looks with the one that it looks at most.

    Args:
        weights: [target words, source words].
        threshold: the least weight that makes a link.
        both: only where the source's word, too, is looked at most by that target word.

    Example:
        >>> import torch
        >>> str(links_of(torch.tensor([[0.1, 0.8], [0.3, 0.4]]))), str(
        ...     links_of(torch.tensor([[0.1, 0.8], [0.3, 0.4]]), both=True)
        ... )
        ('1-0 1-1', '1-0')
    """
    if not weights.numel():
        return Links()
    largest, sources = weights.max(1)
    back = weights.argmax(0)
    return Links.of(
        (source, target)
        for target, (source, weight) in enumerate(zip(sources.tolist(), largest.tolist(), strict=True))
        if weight > 0 and weight >= threshold and (not both or int(back[source]) == target)
    )


def _members(words: Sequence[int | None], like: Tensor) -> Tensor:
    """[tokens, words], one where a token is of a word."""
    count = 1 + max((word for word in words if word is not None), default=-1)
    members = like.new_zeros(len(words), count)
    for token, word in enumerate(words):
        if word is not None:
            members[token, word] = 1.0
    return members

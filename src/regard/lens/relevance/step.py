"""The attentions of a network, in the order in which they ran, for one input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Side = Literal["source", "target"]


@dataclass(frozen=True)
class Step:
    """One attention on the way from what a network reads to what it answers.

    The answer is read from states of the *target*: the tokens of a text, the patches of a picture, what a
    decoder writes. Only a decoder that looks across has a *source*.

    Attributes:
        looks: whose positions look.
        at: whose positions they look at.
        weights: [heads, queries, keys].
        gradient: of what is explained, by these weights, [..., heads, queries, keys]; None if not known.

    Raises:
        ValueError: the source looks at the target, which nothing does; or a gradient of another shape.

    Example:
        >>> Step("target", "source", torch.ones(2, 3, 4)).across
        True
    """

    looks: Side
    at: Side
    weights: Tensor
    gradient: Tensor | None = None

    def __post_init__(self) -> None:
        if (self.looks, self.at) == ("source", "target"):
            raise ValueError("a source does not look at what is written after it")
        if self.gradient is not None and self.gradient.shape[-3:] != self.weights.shape:
            raise ValueError(
                f"a gradient {list(self.gradient.shape)} is not by weights {list(self.weights.shape)}"
            )

    @property
    def across(self) -> bool:
        """Whether the target looks at the source."""
        return self.looks != self.at


def joined(steps: Sequence[Step]) -> list[Tensor]:
    """Steps as layers of self-attention over all positions, those of the target before those of the source.

    In each, the positions that do not look at anything look at themselves. So what is said of a stack
    of self-attention (rollout, flow) is said of an encoder and a decoder too.

    Args:
        steps: in the order in which they ran.

    Returns:
        [1, positions, positions] each, the mean over heads; a row sums to one where its weights do.

    Raises:
        ValueError: sides of several lengths.

    Example:
        >>> [layer] = joined([Step("target", "source", torch.tensor([[[0.25, 0.75]]]))])
        >>> layer[0]
        tensor([[0.0000, 0.2500, 0.7500],
                [0.0000, 1.0000, 0.0000],
                [0.0000, 0.0000, 1.0000]])
    """
    lengths: dict[Side, set[int]] = {"target": set(), "source": set()}
    for step in steps:
        lengths[step.looks].add(step.weights.shape[1])
        lengths[step.at].add(step.weights.shape[2])
    if any(len(found) > 1 for found in lengths.values()):
        raise ValueError(f"steps of one input have one source and one target; got the lengths {lengths}")
    target, source = (sum(lengths[side]) for side in ("target", "source"))
    places = {"target": slice(0, target), "source": slice(target, target + source)}
    layers = []
    for step in steps:
        layer = torch.eye(target + source, dtype=step.weights.dtype)
        layer[places[step.looks], places[step.looks]] = 0.0
        layer[places[step.looks], places[step.at]] = step.weights.mean(0)
        layers.append(layer[None])
    return layers

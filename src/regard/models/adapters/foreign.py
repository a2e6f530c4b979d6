"""What adapters share: reading another library's weights by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from regard.errors import UserError

Weights = Mapping[str, Tensor]


class ForeignModelError(UserError):
    """Another library's model that has no counterpart here, or whose weights are not as expected."""


def weight(weights: Weights, name: str) -> Tensor:
    """The weight of that name.

    Raises:
        ForeignModelError: there is none.
    """
    if name not in weights:
        raise ForeignModelError(
            f"the weights have no {name!r}: they are not of the architecture that this adapter reads "
            f"(there is, for instance, {next(iter(weights), 'nothing')!r})"
        )
    return weights[name]


def copy_linear(into: dict[str, Tensor], name: str, weights: Weights, sources: Sequence[str]) -> None:
    """Put one linear layer, or several fused in this order, under a name of ours."""
    for part in ("weight", "bias"):
        into[f"{name}.{part}"] = torch.cat([weight(weights, f"{source}.{part}") for source in sources])


def copy_norm(into: dict[str, Tensor], name: str, weights: Weights, source: str) -> None:
    """Put a layer norm under a name of ours."""
    copy_linear(into, name, weights, [source])


def refuse_unless(config: Mapping[str, Any], wanted: Mapping[str, Sequence[Any]], what: str) -> None:
    """Check that the model is of the kind that the adapter reads.

    Args:
        config: the foreign configuration (its `config.json`); keys that it lacks pass.
        wanted: values that are understood, by key.
        what: name of the architecture.

    Raises:
        ForeignModelError: a key has another value.

    Example:
        >>> refuse_unless({"act": "tanh"}, {"act": ["relu", "gelu"]}, "Marian")
        Traceback (most recent call last):
        ...
        regard.models.adapters.foreign.ForeignModelError: this Marian model has act = 'tanh'; only 'relu', ...
    """
    for key, values in wanted.items():
        if key in config and config[key] not in values:
            allowed = ", ".join(map(repr, values))
            raise ForeignModelError(
                f"this {what} model has {key} = {config[key]!r}; only {allowed} can be taken over"
            )

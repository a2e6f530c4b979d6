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


class Settings(dict[str, Any]):
    """A foreign model's configuration (its `config.json`), which says what is missing.

    Args:
        config: the configuration.
        what: name of the architecture.

    Raises:
        ForeignModelError: a key is asked for that is not there (``settings.get(key)`` gives None).

    Example:
        >>> Settings({"d_model": 8}, "Marian")["vocab_size"]
        Traceback (most recent call last):
        ...
        regard.models.adapters.foreign.ForeignModelError: this Marian model's configuration has no 'voc...
    """

    def __init__(self, config: Mapping[str, Any], what: str) -> None:
        super().__init__(config)
        self.what = what

    def __missing__(self, key: str) -> Any:
        raise ForeignModelError(f"this {self.what} model's configuration has no {key!r}")


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


def refuse_unless(settings: Settings, wanted: Mapping[str, Sequence[Any]]) -> None:
    """Check that the model is of the kind that the adapter reads.

    Args:
        settings: keys that it lacks pass.
        wanted: values that are understood, by key.

    Raises:
        ForeignModelError: a key has another value.

    Example:
        >>> refuse_unless(Settings({"act": "tanh"}, "Marian"), {"act": ["relu", "gelu"]})
        Traceback (most recent call last):
        ...
        regard.models.adapters.foreign.ForeignModelError: this Marian model has act = 'tanh'; only 'relu', ...
    """
    for key, values in wanted.items():
        if key in settings and settings[key] not in values:
            allowed = ", ".join(map(repr, values))
            raise ForeignModelError(
                f"this {settings.what} model has {key} = {settings[key]!r}; only {allowed} can be taken over"
            )

"""What goes into a page: a map, and what may be shown beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from regard.errors import UserError
from regard.lens.html.stack import group_of, layer_of
from regard.lens.map import AttentionMap
from regard.lens.names import looks_across
from regard.lens.patch_grid import PatchGrid


class PageError(UserError):
    """A page of attention maps cannot be made or written; the message says why."""


@dataclass(frozen=True)
class Record:
    """A map with the picture that it lies over, or with the vectors that it was made of.

    Attributes:
        seen: the map.
        image: [channels, height, width], values in [0, 1], one channel or three; its keys are a patch grid.
        query: [heads, queries, dim], from which the weights were computed.
        key: [kv_heads, keys, dim]; heads are shared out evenly among fewer key heads.
        of: which input it is of, in words, where a page has several.

    Raises:
        PageError: weights that are negative or not finite, or sizes that do not fit the map.

    Example:
        >>> from regard.lens import Tokens
        >>> axis = Tokens(("a", "b"))
        >>> seen = AttentionMap("encoder.0.self", torch.eye(2)[None], axis, axis)
        >>> Record(seen, query=torch.ones(1, 2, 4), key=torch.ones(1, 2, 4)).group
        'encoder.*.self'
        >>> Record(seen, image=torch.rand(3, 8, 8))
        Traceback (most recent call last):
        ...
        regard.lens.html.record.PageError: encoder.0.self: a picture, but keys that are no patches
    """

    seen: AttentionMap
    image: Tensor | None = None
    query: Tensor | None = None
    key: Tensor | None = None
    of: str = ""

    def __post_init__(self) -> None:
        name, weights = self.seen.name, self.seen.weights
        if not weights.numel():
            raise PageError(f"{name}: there are no weights to show: its shape is {list(weights.shape)}")
        if not bool(torch.isfinite(weights).all()) or float(weights.min()) < 0:
            raise PageError(f"{name}: weights must be finite and not negative; check what computed them")
        if self.image is not None:
            self._check_image(self.image)
        if (self.query is None) != (self.key is None):
            raise PageError(f"{name}: give both query and key, or neither")
        if self.query is not None and self.key is not None:
            self._check_vectors(self.query, self.key)

    def _check_image(self, image: Tensor) -> None:
        if not isinstance(self.seen.key_axis, PatchGrid):
            raise PageError(f"{self.seen.name}: a picture, but keys that are no patches")
        if image.dim() != 3 or image.shape[0] not in (1, 3):
            shape = list(image.shape)
            raise PageError(
                f"{self.seen.name}: a picture is [1 or 3 channels, height, width], this is {shape}"
            )

    def _check_vectors(self, query: Tensor, key: Tensor) -> None:
        heads, queries, keys = self.seen.weights.shape
        fits = (
            query.dim() == key.dim() == 3
            and query.shape[:2] == (heads, queries)
            and key.shape[1:] == (keys, query.shape[2])
            and heads % key.shape[0] == 0
        )
        if not fits:
            raise PageError(
                f"{self.seen.name}: query {list(query.shape)} and key {list(key.shape)} do not fit weights "
                f"of {heads} heads, {queries} queries and {keys} keys"
            )

    @property
    def layer(self) -> int | None:
        """The first number in the name."""
        return layer_of(self.seen.name)

    @property
    def group(self) -> str:
        """The name with the layer left open: places of one group are layers of one stack."""
        return group_of(self.seen.name)

    @property
    def written(self) -> Literal["across", "within"] | None:
        """Whether the queries were written word by word, and then: from another text or from themselves."""
        seen = self.seen
        if isinstance(seen.query_axis, PatchGrid) or isinstance(seen.key_axis, PatchGrid):
            return None
        if looks_across(seen.name):
            return "across"
        # No word looks at what was not there yet.
        causal = seen.weights.shape[1] == seen.weights.shape[2] > 1 and not bool(seen.weights.triu(1).any())
        return "within" if causal else None

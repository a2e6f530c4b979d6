"""The mode that changes heads while a model runs, in one thread."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import reduce
from operator import and_
from typing import Any

import torch
import torch.utils.checkpoint
from torch import Tensor, nn
from torch.nn import functional as F

from regard.attention import Attended
from regard.attention.overridable import overridable_attend
from regard.lens.capture.dot_product import DOT_PRODUCTS
from regard.lens.capture.edited import Changes, Editing
from regard.lens.capture.even import even
from regard.lens.capture.multi_head import bound
from regard.lens.capture.owner import running
from regard.lens.capture.packed import group_packed
from regard.lens.editing.arguments import changed_multi_head, even_dot_product, scaled_weights
from regard.lens.editing.heads import HeadEdits


class EditMode(Editing):
    """Changes what attention is given or gives, in the modules that are named.

    Args:
        names: all modules of a model, and the names of their places.
        edits: what is said, by what it is said of.
        meant: which of these are meant by a module.

    Attributes:
        ran: whether any function was called.
        done: what was said of a place that ran.
    """

    def __init__(
        self,
        names: Mapping[nn.Module, str],
        edits: Mapping[str, HeadEdits],
        meant: Mapping[nn.Module, Iterable[str]],
    ) -> None:
        super().__init__()
        self._names = names
        self._edits = edits
        self._meant = meant
        self.ran = False
        self.done: set[str] = set()

    def changes(self, module: nn.Module | None, heads: int) -> Changes | None:
        """What is changed in a module that has so many heads.

        Raises:
            ValueError: it has no such head, or its layer will be run once more in a backward.
        """
        keys = [] if module is None else list(self._meant.get(module, ()))
        if module is None or not keys:
            return None
        place = self._names[module]
        if _checkpointed():
            raise ValueError(
                f"{place}: heads of a checkpointed layer cannot be edited: torch runs it anew in the "
                "backward, where it hides every mode; switch activation checkpointing off"
            )
        self.done.update(keys)
        return reduce(and_, (self._edits[key].changes(place, heads) for key in keys))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        self.ran = True
        if not torch.compiler.is_compiling():
            if any(func is one for one in DOT_PRODUCTS):
                return self._dot_product(func, *args, **options)
            if func is F.multi_head_attention_forward:
                return self._multi_head(func, bound(args, options))
            if func is overridable_attend:
                return self._own(*args, **options)
        return func(*args, **options)

    def _dot_product(
        self,
        func: Callable[..., Tensor],
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        *arguments: Any,
        **options: Any,
    ) -> Tensor:
        module = running(self._names)
        given = (query, key, value)
        headed = max(x.dim() for x in given) > 3
        group = group_packed(query, module) if module is not None and query.dim() == 4 else 1
        # What has a single head shares it with as many as the others have.
        heads = group * max(x.shape[-3] for x in given if x.dim() > 2) if headed else 1
        changes = self.changes(module, heads)
        if module is None or changes is None:
            return func(query, key, value, attn_mask, *arguments, **options)
        if query.is_nested:
            raise ValueError(f"{self._names[module]}: heads of nested tensors cannot be edited")
        # Heads that were packed as queries of their group lie along two dimensions.
        if any(changes.even):
            blind = changes.which_even(query.device)
            blind = blind.view(-1, group, 1) if headed else blind[0]
            query, attn_mask = even_dot_product(query, attn_mask, blind)
        output = func(query, key, value, attn_mask, *arguments, **options)
        if not headed:
            return changes.scaled(output.unsqueeze(-3)).squeeze(-3)
        apart = output.reshape(*output.shape[:-3], heads, output.shape[-2] // group, output.shape[-1])
        return changes.scaled(apart).view_as(output)

    def _multi_head(
        self, func: Callable[..., tuple[Tensor, Tensor | None]], given: dict[str, Any]
    ) -> tuple[Tensor, Tensor | None]:
        changes = self.changes(running(self._names), given["num_heads"])
        if changes is None:
            return func(**given)
        output, weights = func(**changed_multi_head(given, changes) | {"average_attn_weights": False})
        if weights is not None:
            weights = scaled_weights(weights, changes, given["average_attn_weights"])
        return output, weights

    def _own(self, query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Attended:
        attended = overridable_attend(query, key, value, **options)
        changes = self.changes(running(self._names), query.shape[1])
        if changes is None:
            return attended
        if any(changes.even):
            attended = _evened(attended, even(query, key, value, **options), changes)
        weights = attended.weights
        return replace(
            attended,
            context=changes.scaled(attended.context),
            weights=None if weights is None else changes.scaled(weights),
        )


class Counting(EditMode):
    """Changes nothing, and tells which places ran.

    Args:
        names: all modules of a model, and the names of their places.

    Attributes:
        heads: how many there are at each place.
    """

    def __init__(self, names: Mapping[nn.Module, str]) -> None:
        super().__init__(names, {}, {})
        self.heads: dict[str, int] = {}

    def changes(self, module: nn.Module | None, heads: int) -> Changes | None:
        """Nothing."""
        if module is not None:
            self.heads[self._names[module]] = heads
        return None


def _checkpointed() -> bool:
    """Whether what runs was called by ``torch.utils.checkpoint``."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == torch.utils.checkpoint.__file__:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _evened(attended: Attended, level: Attended, changes: Changes) -> Attended:
    """What attention gave, but of some heads with equal weights; from these no key was drawn."""
    heads = changes.which_even(attended.context.device)
    weights, drawn = attended.weights, attended.log_probability
    return Attended(
        torch.where(heads, level.context, attended.context),
        weights if weights is None or level.weights is None else torch.where(heads, level.weights, weights),
        None if drawn is None else drawn.masked_fill(heads.squeeze(-1), 0.0),
    )

"""What decoding step by step keeps: rows can be dropped, repeated and reordered between steps."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from regard.attention import Padding


class Cache(ABC):
    """State of a decoding under way.

    Attributes:
        length: tokens consumed so far.
        max_length: most that fit.
    """

    def __init__(self, max_length: int) -> None:
        self.length = 0
        self.max_length = max_length

    @abstractmethod
    def select(self, rows: Tensor) -> None:
        """Keep these rows [new rows], in this order; a row may appear several times (beams) or not at all."""

    def check_room(self, count: int = 1) -> None:
        """Raise if `count` more tokens do not fit.

        Raises:
            ValueError: they do not.
        """
        if self.length + count > self.max_length:
            raise ValueError(
                f"the cache was started for {self.max_length} tokens and holds {self.length}: "
                f"no room for {count} more; start it with a larger max_length"
            )


class Source:
    """What attention reads of a source at every step: keys, values and padding, one row for a whole beam.

    Neighbouring rows of a decoding that read the same sentence share its keys and values, as long as every
    sentence has as many rows (`fold`); otherwise each row gets its own copy.

    Args:
        layers: keys and values [batch, kv_heads, source, dim] of each layer with attention.
        mask: [batch, source], True for a real token.
        folds: whether rows may share at all.

    Attributes:
        fold: neighbouring rows of the decoding to each row here.
        scope: the padding, as attention takes it.
        visible: the same as a mask [batch, 1, 1, source]; None where nothing is padded.

    Example:
        >>> keys = torch.zeros(2, 1, 3, 4)
        >>> source = Source([(keys, keys)], torch.ones(2, 3, dtype=torch.bool))
        >>> source.select(torch.tensor([0, 0, 1, 1]))
        >>> source.fold, source.layers[0][0].shape[0]
        (2, 2)
    """

    def __init__(self, layers: list[tuple[Tensor, Tensor]], mask: Tensor, folds: bool = True) -> None:
        self.layers = layers
        self._narrow(mask)
        self.fold = 1
        self._folds = folds
        self._owner = torch.arange(mask.shape[0], device=mask.device)

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order."""
        owner = self._owner.index_select(0, rows)
        if owner.shape == self._owner.shape and torch.equal(owner, self._owner):
            return
        self.fold = 1
        if self._folds and owner.numel():
            runs, sizes = torch.unique_consecutive(owner, return_counts=True)
            size = int(sizes[0])
            if bool((sizes == size).all()):
                self.fold, owner = size, runs
        if owner.shape[0] != self.mask.shape[0] or not torch.equal(
            owner, torch.arange(self.mask.shape[0], device=owner.device)
        ):
            self.layers = [(k.index_select(0, owner), v.index_select(0, owner)) for k, v in self.layers]
            self._narrow(self.mask.index_select(0, owner))
        self._owner = torch.arange(owner.shape[0], device=owner.device).repeat_interleave(self.fold)

    def _narrow(self, mask: Tensor) -> None:
        self.mask = mask
        self.scope = Padding(mask)
        full = bool(mask.all()) if self.scope.full is None else self.scope.full
        self.visible = None if full else mask[:, None, None, :]


class KeyValues:
    """Keys and values of the tokens so far, of all layers, in one tensor reserved ahead.

    Args:
        layers, batch, heads, max_length, dim: sizes of the store.
        like: a tensor of the right dtype and device.

    Example:
        >>> store = KeyValues(2, 3, 1, 5, 4, like=torch.zeros(1))
        >>> store.select(torch.tensor([2, 2]), used=1)
        >>> store.layer(0)[0].shape
        torch.Size([2, 1, 5, 4])
    """

    def __init__(
        self, layers: int, batch: int, heads: int, max_length: int, dim: int, *, like: Tensor
    ) -> None:
        self._store = like.new_empty(layers, 2, batch, heads, max_length, dim)

    def layer(self, index: int) -> tuple[Tensor, Tensor]:
        """Keys and values [batch, heads, max_length, dim] of a layer, to read and to write into."""
        keys, values = self._store[index].unbind(0)
        return keys, values

    def extend(self, index: int, newest: Tensor, used: int) -> tuple[Tensor, Tensor]:
        """Write a layer's keys and values [batch, 2, heads, dim] of one token behind the `used` before it.

        Returns:
            Keys and values [batch, heads, used + 1, dim], of all tokens so far.
        """
        layer = self._store[index]
        layer.select(3, used).copy_(newest.transpose(0, 1))
        keys, values = layer.narrow(3, 0, used + 1).unbind(0)
        return keys, values

    def select(self, rows: Tensor, used: int) -> None:
        """Keep these rows of the first `used` tokens."""
        count, before = rows.shape[0], self._store.shape[2]
        if count == before and torch.equal(rows, torch.arange(before, device=rows.device)):
            return
        past = self._store[..., :used, :]
        if count > before:
            shape = list(self._store.shape)
            shape[2] = count
            self._store = self._store.new_empty(shape)
            self._store[..., :used, :] = past.index_select(2, rows)
            return
        # A search keeps most rows where they are: only those that move are copied.
        (moved,) = torch.nonzero(rows != torch.arange(count, device=rows.device), as_tuple=True)
        past[:, :, moved] = past.index_select(2, rows[moved])
        self._store = self._store.narrow(2, 0, count)

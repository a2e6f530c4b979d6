"""Scores: how alike a query and a key are.

Every score falls into one of two kinds, and the kernels know only these:

- *product*: scale · (query' · key), where a score may first transform or scale the query;
- *additive*: vector · tanh(query' + key'), where both are first projected to a hidden space.

``fold`` turns what the caller gave into query', key' and the scale or vector.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.attention.projection import project


@dataclass(frozen=True, slots=True)
class Folded:
    """What is left of a score when its parameters are applied.

    Attributes:
        query: [batch, heads, queries, dim].
        key: [batch, kv_heads, keys, dim]; of additive scores per head, [batch, heads, keys, dim].
        scale: of the product; 1 for an additive score.
        vector: [heads or 1, dim] of an additive score; None for a product.
    """

    query: Tensor
    key: Tensor
    scale: float = 1.0
    vector: Tensor | None = None


class Score(ABC):
    """Base of all scores."""

    def prepare(self, key: Tensor) -> Tensor:
        """Do the part of the work that depends on the keys only, once for many calls (``prepared=True``)."""
        return key

    @abstractmethod
    def fold(self, query: Tensor, key: Tensor, prepared: bool) -> Folded:
        """Apply the score's parameters."""


class Dot(Score):
    """query · key (Luong et al. 2015, §3.1 "dot").

    Example:
        >>> Dot().fold(torch.ones(1, 1, 1, 4), torch.ones(1, 1, 1, 4), False).scale
        1.0
    """

    def fold(self, query: Tensor, key: Tensor, prepared: bool) -> Folded:
        """Nothing to apply."""
        _same_dim(query, key, "dot")
        return Folded(query, key)

    def __repr__(self) -> str:
        return "Dot()"


class ScaledDot(Score):
    """query · key / √dim (Vaswani et al. 2017, §3.2.1).

    Example:
        >>> ScaledDot().fold(torch.ones(1, 1, 1, 4), torch.ones(1, 1, 1, 4), False).scale
        0.5
    """

    def fold(self, query: Tensor, key: Tensor, prepared: bool) -> Folded:
        """Only the scale."""
        _same_dim(query, key, "scaled dot")
        return Folded(query, key, query.shape[-1] ** -0.5)

    def __repr__(self) -> str:
        return "ScaledDot()"


class TemperedDot(nn.Module, Score):
    """query · key · scale with a learned scale, the inverse of a temperature (Lee et al. 2021, §3.2).

    Where queries and keys come from the same states, their norms, and with them the softmax's sharpness, grow
    alike; a learned temperature lets a layer look as sharply as its data ask for.

    Args:
        dim: of a head; the scale starts at 1/√dim, as :class:`ScaledDot`.
        heads: 1 shares the scale between all heads; otherwise the number of query heads.

    Example:
        >>> TemperedDot(4, heads=2).scale
        Parameter containing:
        tensor([0.5000, 0.5000], requires_grad=True)
    """

    def __init__(self, dim: int, heads: int = 1) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((heads,), dim**-0.5))

    def fold(self, query: Tensor, key: Tensor, prepared: bool) -> Folded:
        """Multiply the queries by the scale.

        Raises:
            ValueError: heads are not those of the scale, or queries and keys are not of one size.
        """
        _same_dim(query, key, "tempered dot")
        heads = self.scale.shape[0]
        if heads not in (1, query.shape[1]):
            raise ValueError(
                f"tempered dot score of {heads} heads was given queries {list(query.shape)} "
                "([batch, heads, queries, dim])"
            )
        return Folded(query * self.scale[:, None, None].to(query.dtype), key)

    def extra_repr(self) -> str:
        """Heads, for printing."""
        return f"heads={self.scale.shape[0]}"


class General(nn.Module, Score):
    """query W key (Luong et al. 2015, §3.1 "general").

    The product queryᵀW is formed first, so that the kernels see an ordinary dot product.

    Args:
        query_dim: size of a head's query.
        key_dim: size of a head's key.
        heads: 1 shares W between all heads; otherwise the number of query heads.

    Example:
        >>> General(4, 6, heads=2).weight.shape
        torch.Size([2, 4, 6])
    """

    def __init__(self, query_dim: int, key_dim: int, heads: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(heads, query_dim, key_dim))
        nn.init.normal_(self.weight, std=(query_dim * key_dim) ** -0.5)

    def fold(self, query: Tensor, key: Tensor, prepared: bool) -> Folded:
        """Multiply the queries by W.

        Raises:
            ValueError: heads or dims are not those of W.
        """
        heads, query_dim, key_dim = self.weight.shape
        if query.shape[-1] != query_dim or key.shape[-1] != key_dim or heads not in (1, query.shape[1]):
            raise ValueError(
                f"general score of W [{heads}, {query_dim}, {key_dim}] (heads, query dim, key dim) was given "
                f"queries {list(query.shape)} and keys {list(key.shape)}"
            )
        return Folded(project(query, self.weight), key)

    def extra_repr(self) -> str:
        """Shapes, for printing."""
        heads, query_dim, key_dim = self.weight.shape
        return f"{query_dim}, {key_dim}, heads={heads}"


class Additive(nn.Module, Score):
    """v · tanh(W query + U key + b) (Bahdanau et al. 2015, §3.1 and appendix A.1.2, without b).

    Args:
        query_dim: size of a head's query.
        key_dim: size of a head's key.
        hidden: size of the hidden space.
        heads: 1 shares W, U and v between all heads; otherwise the number of query heads.
        bias: there is a b, which starts at zero.

    Example:
        >>> score = Additive(4, 6, hidden=5)
        >>> score.prepare(torch.zeros(2, 1, 7, 6)).shape
        torch.Size([2, 1, 7, 5])
    """

    def __init__(
        self, query_dim: int, key_dim: int, hidden: int, heads: int = 1, *, bias: bool = False
    ) -> None:
        super().__init__()
        self.query_weight = nn.Parameter(torch.empty(heads, query_dim, hidden))
        self.key_weight = nn.Parameter(torch.empty(heads, key_dim, hidden))
        self.vector = nn.Parameter(torch.empty(heads, hidden))
        self.bias = nn.Parameter(torch.zeros(heads, hidden)) if bias else None
        for weight in (self.query_weight, self.key_weight):
            bound = math.sqrt(6.0 / (weight.shape[1] + hidden))
            nn.init.uniform_(weight, -bound, bound)
        nn.init.uniform_(self.vector, -math.sqrt(3.0 / hidden), math.sqrt(3.0 / hidden))

    def prepare(self, key: Tensor) -> Tensor:
        """U key: [batch, kv_heads, keys, hidden], or [batch, heads, keys, hidden] with parameters per head.

        Raises:
            ValueError: the key's dim or heads are not those of U.
        """
        heads, key_dim, _ = self.key_weight.shape
        if key.shape[-1] != key_dim:
            raise ValueError(f"additive score takes keys of {key_dim} dims, was given {list(key.shape)}")
        if heads != 1 and key.shape[1] != heads:
            if heads % key.shape[1]:
                raise ValueError(f"additive score of {heads} heads was given keys of {key.shape[1]} heads")
            key = key.repeat_interleave(heads // key.shape[1], dim=1)
        return project(key, self.key_weight)

    def fold(self, query: Tensor, key: Tensor, prepared: bool) -> Folded:
        """Project queries and, unless prepared, keys.

        Raises:
            ValueError: heads or dims are not those of W and U.
        """
        heads, query_dim, hidden = self.query_weight.shape
        if query.shape[-1] != query_dim or heads not in (1, query.shape[1]):
            raise ValueError(
                f"additive score of W [{heads}, {query_dim}, {hidden}] (heads, query dim, hidden) was given "
                f"queries {list(query.shape)}"
            )
        if not prepared:
            key = self.prepare(key)
        elif key.shape[-1] != hidden:
            raise ValueError(
                f"prepared keys have {key.shape[-1]} dims, the additive score's hidden size is {hidden}"
            )
        query = project(query, self.query_weight)
        if self.bias is not None:
            query = query + self.bias[:, None].to(query.dtype)
        return Folded(query, key, 1.0, self.vector)

    def extra_repr(self) -> str:
        """Shapes, for printing."""
        heads, query_dim, hidden = self.query_weight.shape
        return f"{query_dim}, {self.key_weight.shape[1]}, hidden={hidden}, heads={heads}"


def _same_dim(query: Tensor, key: Tensor, name: str) -> None:
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"the {name} score needs queries and keys of one size, was given {query.shape[-1]} and "
            f"{key.shape[-1]}; the general score takes two"
        )

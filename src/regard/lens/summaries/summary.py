"""The figures of one place for one input, with names on both axes."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from regard.lens.capture.record import LayerAttention
from regard.lens.map import Axis

_LISTED = 16


@dataclass(frozen=True)
class AttentionSummary:
    """What all queries of one place looked at, in figures.

    Attributes:
        name: where in the model.
        query_axis: who looks.
        key_axis: what is looked at.
        received: [heads, keys], the weight that each key was given, summed over queries.
        entropy: [heads, queries] of each row, in bits: 0 for one key, log₂ n for n keys alike.
        distance: [heads, queries], mean of |position of the query - position of the key|.
        largest: [heads, queries], the largest weight of each row.
        top_keys: [heads, queries, top], the keys with the largest weights; -1 where a row had fewer.
        top_weights: [heads, queries, top], their weights.

    Raises:
        ValueError: the axes and the figures differ in size.

    Example:
        >>> from regard.lens import Tokens, look
        >>> model = torch.nn.TransformerEncoderLayer(8, nhead=2, batch_first=True).eval()
        >>> with torch.no_grad(), look(model, keep="summary") as seen:
        ...     _ = model(torch.zeros(1, 4, 8))
        >>> axis = Tokens.of("abcd")
        >>> summary = AttentionSummary.of(seen["self_attn"], axis, axis)
        >>> summary.share().tolist(), summary.entropy[0].tolist()
        ([0.25, 0.25, 0.25, 0.25], [2.0, 2.0, 2.0, 2.0])
    """

    name: str
    query_axis: Axis
    key_axis: Axis
    received: Tensor
    entropy: Tensor
    distance: Tensor
    largest: Tensor
    top_keys: Tensor
    top_weights: Tensor

    def __post_init__(self) -> None:
        sizes = self.entropy.shape[-1], self.received.shape[-1]
        if sizes != (len(self.query_axis), len(self.key_axis)):
            raise ValueError(
                f"{self.name}: figures of {sizes[0]} queries and {sizes[1]} keys do not fit axes of "
                f"{len(self.query_axis)} and {len(self.key_axis)}"
            )

    @classmethod
    def of(
        cls, layer: LayerAttention, query_axis: Axis, key_axis: Axis, *, item: int = 0
    ) -> AttentionSummary:
        """The figures of one input of a batch that has no padding.

        Raises:
            ValueError: weights were kept and no summary, or the axes are of other sizes.
        """
        kept = layer.summary
        return cls(
            layer.name,
            query_axis,
            key_axis,
            kept.received[item],
            kept.entropy[item] / math.log(2),
            kept.distance[item],
            kept.largest[item],
            kept.top_keys[item],
            kept.top_weights[item],
        )

    @property
    def heads(self) -> int:
        """How many heads."""
        return self.entropy.shape[0]

    def share(self, head: int | None = None) -> Tensor:
        """What each key was given of all attention, [keys]; of one head, or of all together."""
        received = self.received.double().mean(0) if head is None else self.received[head].double()
        return (received / received.sum().clamp_min(torch.finfo(torch.float64).tiny)).float()

    def most_received(self, head: int | None = None, count: int = 3) -> list[tuple[int, float]]:
        """The keys that were looked at most, and their shares of all attention, the largest first."""
        share = self.share(head)
        values, keys = share.topk(min(count, len(share)))
        return list(zip(keys.tolist(), values.tolist(), strict=True))

    def head(self, head: int) -> AttentionSummary:
        """One head alone.

        Raises:
            ValueError: there is no such head.
        """
        if not 0 <= head < self.heads:
            raise ValueError(f"{self.name} has heads 0 to {self.heads - 1}; there is no head {head}")
        figures = {
            field.name: value[head : head + 1]
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return AttentionSummary(f"{self.name} head {head}", self.query_axis, self.key_axis, **figures)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings: by head its figures' means, and the keys that are looked at most."""
        labels = self.key_axis.labels
        return {
            "name": self.name,
            "queries": len(self.query_axis),
            "keys": len(self.key_axis),
            "heads": [
                {
                    "entropy": float(self.entropy[head].mean()),
                    "distance": float(self.distance[head].mean()),
                    "largest": float(self.largest[head].mean()),
                    "received": [
                        {"key": key, "token": labels[key], "share": share}
                        for key, share in self.most_received(head, _LISTED)
                    ],
                }
                for head in range(self.heads)
            ],
        }

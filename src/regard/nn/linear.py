"""A linear layer as Transformers start it, and as fast as a CPU runs it once it is trained."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_FEW_ROWS = 8
_MANY_ROWS = 64
_LARGE = 1 << 20


def linear(inputs: int, outputs: int) -> Linear:
    """A linear layer of Xavier-uniform weights (Glorot & Bengio 2010) and zero bias.

    A projection fused from several starts as one matrix, and so a little smaller than its parts would: what
    fairseq does on purpose for query, key and value.

    Example:
        >>> linear(4, 2).bias
        Parameter containing:
        tensor([0., 0.], requires_grad=True)
    """
    layer = Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class Linear(nn.Linear):
    """`nn.Linear`, as fast as :func:`multiply`."""

    def forward(self, x: Tensor) -> Tensor:
        """[..., inputs] -> [..., outputs]."""
        return multiply(x, self.weight, self.bias)


def multiply(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`F.linear`; under `torch.inference_mode`, float32 goes to oneDNN on x86 processors.

    torch gives float32 products to MKL, which on AMD takes about twice as long from 8 rows up, and for a
    large weight even with one row. What oneDNN's operator lacks is gradients.

    Args:
        x: [..., inputs].
        weight: [outputs, inputs].
        bias: [outputs].

    Example:
        >>> x, weight, bias = torch.ones(8, 4), torch.ones(2, 4), torch.zeros(2)
        >>> with torch.inference_mode():
        ...     multiply(x, weight, bias)[0]
        tensor([4., 4.])
    """
    few = x.numel() < _FEW_ROWS * weight.shape[1]
    if (few and weight.numel() < _LARGE) or not _onednn(x, weight):
        return F.linear(x, weight, bias)
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, _laid_out(x, weight), bias, "none", [], "")
    return product


@contextmanager
def settled_weights() -> Iterator[None]:
    """Until it ends weights do not change: those that multiply many rows again and again are laid out for it.

    The copies, in the order in which oneDNN reads them, end with it too. For 320 rows and 8,000 outputs a
    product takes two thirds of the time.
    """
    token = _SETTLED.set({})
    try:
        yield
    finally:
        _SETTLED.reset(token)


_SETTLED: ContextVar[dict[int, tuple[Tensor, Tensor | None]] | None] = ContextVar("settled", default=None)


def _laid_out(x: Tensor, weight: Tensor) -> Tensor:
    """The weight, from its second use on in oneDNN's own order where that pays."""
    settled = _SETTLED.get()
    if settled is None or x.numel() < _MANY_ROWS * weight.shape[1]:
        return weight
    _, ordered = settled.get(id(weight), (weight, None))
    if ordered is None and id(weight) in settled:
        ordered = torch.ops.mkldnn._reorder_linear_weight(weight, _MANY_ROWS)
    settled[id(weight)] = weight, ordered  # the weight too: while it lives its id is its own
    return weight if ordered is None else ordered


def _onednn(x: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN may multiply these."""
    return (
        _HAS_OPERATORS
        and torch.is_inference_mode_enabled()
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == "cpu"
        and bool(torch.backends.mkldnn.enabled)
        and not torch.is_autocast_enabled("cpu")
    )


_HAS_OPERATORS = (
    platform.machine() in ("x86_64", "AMD64")
    and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
)

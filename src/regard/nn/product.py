"""Products of matrices, by whichever library is faster at them."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional as F

_FEW_ROWS = 8
_MANY_ROWS = 64
_LARGE = 1 << 20


def multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`F.linear`, where float32 on x86 processors goes to oneDNN.

    torch gives float32 products to MKL, which on AMD with AVX-512 takes about twice as long as oneDNN from 8
    rows up, and for a large weight even with one row. With AVX2 they are nearly alike, but for a transposed
    `x` (in the gradient of a weight), which MKL multiplies up to twice as fast.

    Args:
        x: [..., inputs].
        weight: [outputs, inputs]; may be the transpose of what lies in memory.
        bias: [outputs].

    Returns:
        x @ weightᵀ + bias, [..., outputs].

    Example:
        >>> multiply(torch.ones(8, 4), torch.ones(2, 4), torch.zeros(2))[0]
        tensor([4., 4.])
    """
    few = x.numel() < _FEW_ROWS * weight.shape[1]
    if (few and weight.numel() < _LARGE) or not _suits_onednn(x, weight, bias):
        return F.linear(x, weight, bias)
    if torch.is_grad_enabled():
        return _Product.apply(x, weight, bias)  # type: ignore[no-any-return, no-untyped-call]
    return _onednn(x, _laid_out(x, weight), bias)


@contextmanager
def settled_weights() -> Iterator[None]:
    """Until it ends weights do not change: those that multiply many rows again and again are laid out for it.

    It is for `torch.inference_mode`. The copies, in the order in which oneDNN reads them, end with it too.
    For 320 rows and 8,000 outputs a product takes two thirds of the time.

    Example:
        >>> weight = torch.ones(2, 4)
        >>> with torch.inference_mode(), settled_weights():
        ...     multiply(torch.ones(1, 4), weight)
        tensor([[4., 4.]])
    """
    token = _SETTLED.set({})
    try:
        yield
    finally:
        _SETTLED.reset(token)


_SETTLED: ContextVar[dict[int, tuple[Tensor, Tensor | None]] | None] = ContextVar("settled", default=None)


class _Product(torch.autograd.Function):
    """oneDNN's operator has no gradient; it is two more products, which have gradients in their turn."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _onednn(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,), (x, weight) = incoming, ctx.saved_tensors
        rows = gradient.flatten(0, -2) if gradient.dim() > 1 else gradient[None]
        wanted = ctx.needs_input_grad
        return (
            multiply(gradient, weight.t()) if wanted[0] else None,
            multiply(rows.t(), x.reshape(-1, x.shape[-1]).t()) if wanted[1] else None,
            rows.sum(0) if wanted[2] else None,
        )


def _onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def _laid_out(x: Tensor, weight: Tensor) -> Tensor:
    """The weight; in oneDNN's own order, where it was made before, or pays because it comes a second time."""
    settled = _SETTLED.get()
    if settled is None:
        return weight
    _, ordered = settled.get(id(weight), (weight, None))
    if ordered is not None:
        return ordered
    if x.numel() < _MANY_ROWS * weight.shape[1]:
        return weight
    if id(weight) in settled:
        ordered = torch.ops.mkldnn._reorder_linear_weight(weight, _MANY_ROWS)
    settled[id(weight)] = weight, ordered  # the weight too: while it lives its id is its own
    return weight if ordered is None else ordered


def _suits_onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    """Whether oneDNN can multiply these: plain float32 matrices on a CPU, and no transformation watching."""
    return (
        _HAS_OPERATORS
        and x.numel() > 0
        and x.shape[-1] == weight.shape[1]  # else torch says best what is wrong
        and x.dtype == weight.dtype == torch.float32
        and x.device.type == "cpu"
        and type(x) in _PLAIN
        and type(weight) in _PLAIN
        # One with gaps takes oneDNN a thousand times as long.
        and (weight.is_contiguous() or weight.t().is_contiguous())
        and (bias is None or _suits_as_bias(bias, weight))
        and (_WIDE or x.dim() != 2 or x.is_contiguous() or not x.t().is_contiguous())
        and bool(torch.backends.mkldnn.enabled)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
        and forward_ad._current_level < 0
    )


def _suits_as_bias(bias: Tensor, weight: Tensor) -> bool:
    """oneDNN's operator takes the bias to be one number for each output, next to each other, unchecked."""
    return (
        bias.dim() == 1
        and bias.shape[0] == weight.shape[0]
        and bias.dtype == weight.dtype
        and bias.device == weight.device
        and type(bias) in _PLAIN
        and bias.is_contiguous()
    )


_PLAIN = (Tensor, nn.Parameter)
# Whether the processor has the instructions for which oneDNN is the faster whatever lies how.
_WIDE = torch.backends.cpu.get_cpu_capability() == "AVX512"
# None of these is public: where torch lacks one of them, torch multiplies.
_HAS_OPERATORS = (
    platform.machine() in ("x86_64", "AMD64")
    and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    and hasattr(torch._C, "_are_functorch_transforms_active")
    and hasattr(forward_ad, "_current_level")
)

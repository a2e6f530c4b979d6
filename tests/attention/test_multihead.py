"""The same weights give what torch.nn.MultiheadAttention gives: outputs, weights and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from regard.attention import Causal, Global, Padding, Scope, attend

WIDTH, HEADS = 12, 3


def project(layer: nn.MultiheadAttention, place: int, x: Tensor) -> Tensor:
    """Queries (0), keys (1) or values (2) of all heads, with the layer's own weights."""
    weight, bias = layer.in_proj_weight.chunk(3)[place], layer.in_proj_bias.chunk(3)[place]
    return nn.functional.linear(x, weight, bias).unflatten(-1, (HEADS, -1)).transpose(1, 2)


@pytest.mark.parametrize("kernel", [None, "reference", "fused", "short", "windowed"])
@pytest.mark.parametrize("masked", ["nothing", "padding", "causal", "causal and padding"])
def test_same_as_torch_multihead_attention(kernel: str | None, masked: str) -> None:
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, dtype=torch.float64)
    queries = torch.randn(2, 6, WIDTH, dtype=torch.float64, requires_grad=True)
    keys = torch.randn(2, 6, WIDTH, dtype=torch.float64, requires_grad=True)
    real = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    scope: Scope = Padding(real) if "padding" in masked else Global()
    hidden = torch.ones(6, 6, dtype=torch.bool).triu(1) if "causal" in masked else None
    if "causal" in masked:
        scope = Causal() & scope

    expected, expected_weights = layer(
        queries,
        keys,
        keys,
        key_padding_mask=~real if "padding" in masked else None,
        attn_mask=hidden,
        average_attn_weights=False,
    )
    attended = attend(
        project(layer, 0, queries),
        project(layer, 1, keys),
        project(layer, 2, keys),
        scope=scope,
        kernel=kernel,
        rows="all",
    )
    output = layer.out_proj(attended.context.transpose(1, 2).flatten(2))

    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(attended.weights, expected_weights)
    leaves = [queries, keys, layer.in_proj_weight]
    direction = torch.randn_like(expected)
    for one, other in zip(
        torch.autograd.grad(output, leaves, direction),
        torch.autograd.grad(expected, leaves, direction),
        strict=True,
    ):
        torch.testing.assert_close(one, other)

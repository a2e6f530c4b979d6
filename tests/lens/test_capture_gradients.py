"""Gradients by attention weights, against autograd through attention that is written out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional as F

import regard
from regard.attention import (
    Additive,
    Attention,
    Causal,
    Dot,
    Entmax15,
    Global,
    Hard,
    LocalPredictive,
    ScaledDot,
    Scope,
    Score,
    Selection,
    Soft,
    Window,
    attend,
)
from regard.lens import NoGradientError

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
IDS = torch.randint(3, 50, (2, 7), generator=torch.Generator().manual_seed(5))
MASK = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])


def twins(family: type[Any], config: Any) -> tuple[Any, Any]:
    torch.manual_seed(6)
    fused = family._from_config(copy.deepcopy(config), attn_implementation="sdpa").eval().double()
    eager = family._from_config(copy.deepcopy(config), attn_implementation="eager").eval().double()
    eager.load_state_dict(fused.state_dict())
    return fused, eager


def check(
    family: type[Any],
    config: Any,
    score: Callable[[Any], Tensor],
    kinds: dict[str, str],
    near: float = 1e-10,
    **inputs: Any,
) -> None:
    """That gradients by weights are those which autograd gives of the eager twin's weights.

    Args:
        family: of models.
        config: of the model.
        score: the scalar that is explained, from what the model gave.
        kinds: from attributes of eager outputs to names of places, with {} for the layer.
        near: how near; some eager models take the softmax in float32 whatever they are in.
        **inputs: of the model.
    """
    fused, eager = twins(family, config)
    expected = eager(**inputs, output_attentions=True)
    maps = {
        path.format(layer): one for kind, path in kinds.items() for layer, one in enumerate(expected[kind])
    }
    for weights in maps.values():
        weights.retain_grad()
    score(expected).backward()

    plain = score(fused(**inputs))
    plain.backward()
    gradients = [None if one.grad is None else one.grad.clone() for one in fused.parameters()]
    fused.zero_grad()
    with regard.look(fused, keep="gradients") as seen:
        watched = score(fused(**inputs))
        watched.backward()
    assert torch.equal(watched, plain)
    for one, before in zip(fused.parameters(), gradients, strict=True):
        assert (one.grad is None) == (before is None)
        assert before is None or torch.equal(one.grad, before)
    assert sorted(seen) == sorted(maps)
    for name, weights in maps.items():
        torch.testing.assert_close(seen[name].weights, weights.detach(), rtol=near, atol=near)
        torch.testing.assert_close(seen[name].gradient, weights.grad, rtol=near, atol=near)
        assert seen[name].gradient.abs().max() > 0
    with regard.look(fused, keep="gradients", heads=[2, 1], queries=[-1, 0]) as seen:
        score(fused(**inputs)).backward()
    for name, weights in maps.items():
        torch.testing.assert_close(
            seen[name].gradient, weights.grad[:, [2, 1]][:, :, [0, -1]], rtol=near, atol=near
        )


def test_bert() -> None:
    config = transformers.BertConfig(vocab_size=50, **SMALL)
    check(
        transformers.BertForSequenceClassification, config, lambda made: made.logits[:, 1].sum(),
        {"attentions": "bert.encoder.layer.{}.attention.self"}, input_ids=IDS, attention_mask=MASK,
    )  # fmt: skip


def test_gpt2() -> None:
    config = transformers.GPT2Config(vocab_size=50, n_embd=32, n_layer=2, n_head=4, n_positions=32)
    check(
        transformers.GPT2LMHeadModel, config, lambda made: made.logits[:, -1].log_softmax(-1)[:, 3].sum(),
        {"attentions": "transformer.h.{}.attn"}, input_ids=IDS,
    )  # fmt: skip


def test_grouped_heads() -> None:
    config = transformers.LlamaConfig(vocab_size=50, num_key_value_heads=2, **SMALL)
    check(
        transformers.LlamaForCausalLM, config, lambda made: made.logits[:, -1, 3].sum(),
        {"attentions": "model.layers.{}.self_attn"}, near=1e-6, input_ids=IDS,
    )  # fmt: skip


def test_marian() -> None:
    config = transformers.MarianConfig(
        vocab_size=50, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=32,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=2, forced_eos_token_id=None,
    )  # fmt: skip
    kinds = {
        "encoder_attentions": "model.encoder.layers.{}.self_attn",
        "decoder_attentions": "model.decoder.layers.{}.self_attn",
        "cross_attentions": "model.decoder.layers.{}.encoder_attn",
    }
    check(
        transformers.MarianMTModel, config, lambda made: made.logits.log_softmax(-1)[:, 2, 7].sum(), kinds,
        input_ids=IDS, attention_mask=MASK, decoder_input_ids=IDS[:, :4],
    )  # fmt: skip


def test_vit() -> None:
    config = transformers.ViTConfig(image_size=16, patch_size=8, num_labels=3, **SMALL)
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    fused, _ = twins(transformers.ViTForImageClassification, config)
    with torch.no_grad(), regard.look(fused) as seen:
        fused(images)
    check(
        transformers.ViTForImageClassification, config, lambda made: made.logits[:, 0].sum(),
        {"attentions": next(iter(seen)).replace("0", "{}")}, near=1e-6, pixel_values=images,
    )  # fmt: skip


class Written(nn.Module):
    """nn.MultiheadAttention written out, with the weights kept for autograd."""

    def __init__(self, module: nn.MultiheadAttention) -> None:
        super().__init__()
        self.module = module
        self.weights: Tensor | None = None

    def forward(self, states: Tensor, hidden: Tensor) -> Tensor:  # [batch, length, width], [batch, length]
        module = self.module
        batch, length, width = states.shape
        query, key, value = (
            part.view(batch, length, module.num_heads, -1).transpose(1, 2)
            for part in F.linear(states, module.in_proj_weight, module.in_proj_bias).chunk(3, -1)
        )
        scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
        self.weights = scores.masked_fill(hidden[:, None, None], -torch.inf).softmax(-1)
        self.weights.retain_grad()
        made: Tensor = module.out_proj((self.weights @ value).transpose(1, 2).reshape(batch, length, width))
        return made


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_multi_head_attention_of_torch(weights: bool, batch_first: bool) -> None:
    torch.manual_seed(2)
    module = nn.MultiheadAttention(8, 2, batch_first=batch_first).double().eval()
    states = torch.randn(3, 3, 8, dtype=torch.float64)  # batch and length alike, that none is told by sizes
    hidden = torch.tensor([[False] * 3, [False, False, True], [False] * 3])
    written = Written(module)
    written(states, hidden).square().sum().backward()
    assert written.weights is not None
    assert written.weights.grad is not None
    given = states if batch_first else states.transpose(0, 1)
    with regard.look(module, keep="gradients") as seen:
        made = module(given, given, given, key_padding_mask=hidden, need_weights=weights)[0]
    made.square().sum().backward()  # after the block, too
    torch.testing.assert_close(seen["attention"].gradient, written.weights.grad)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("fused", [False, True])
def test_a_model_that_adds_in_place_to_what_attention_gave(batch_first: bool, fused: bool) -> None:
    class Adds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.MultiheadAttention(8, 2, batch_first=batch_first)

        def forward(self, x: Tensor, in_place: bool) -> Tensor:
            made = F.scaled_dot_product_attention(x, x, x) if fused else self.inner(x, x, x)[0]
            if in_place:
                made += x
                return made
            return made + x  # type: ignore[no-any-return]

    torch.manual_seed(2)
    model, x = Adds().eval(), torch.randn(3, 4, 8, requires_grad=True)
    found = []
    for in_place in (False, True):
        with regard.look(model, keep="gradients") as seen:
            model(x, in_place).square().sum().backward()
        found.append(next(iter(seen.values())).gradient)
    assert found[0].abs().max() > 0
    torch.testing.assert_close(*found)


SCOPES = [Global(), Causal(), Window(1)]


@pytest.mark.parametrize("kernel_dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("score", "selection", "scope"),
    [
        *((ScaledDot(), Soft(), scope) for scope in SCOPES),
        (Dot(), Entmax15(), Global()),
        (Additive(4, 4, 4, 2), Soft(), Global()),
        (ScaledDot(), Soft(), LocalPredictive(4, 2, heads=2)),
    ],
)
def test_every_kind_of_our_own(
    score: Score, selection: Selection, scope: Scope, kernel_dtype: torch.dtype
) -> None:
    attention = Attention(score, selection, scope=scope).eval().to(kernel_dtype)
    torch.manual_seed(3)
    query, key, value, weighing = torch.randn(4, 2, 2, 6, 4, dtype=kernel_dtype).unbind(0)
    query.requires_grad_()
    expected = attend(
        query, key, value, score=attention.score, scope=attention.scope, selection=selection, rows="all",
        kernel="reference",
    )  # fmt: skip
    assert expected.weights is not None
    [wanted] = torch.autograd.grad((expected.context * weighing).sum(), expected.weights)
    with regard.look(attention, keep="gradients") as seen:
        made = attention(query, key, value).context
    (made * weighing).sum().backward()
    torch.testing.assert_close(seen["attention"].gradient, wanted)


def test_drawn_weights_have_the_gradient_that_values_give() -> None:
    attention = Attention(Dot(), Hard("reinforce")).eval()
    query, key, value = torch.randn(3, 1, 2, 4, 4, generator=torch.Generator().manual_seed(1)).unbind(0)
    value.requires_grad_()
    with regard.look(attention, keep="gradients") as seen:
        attention(query, key, value).context.sum().backward()
    expected = value.detach().sum(-1)[:, :, None].expand(1, 2, 4, 4)
    torch.testing.assert_close(seen["attention"].gradient, expected)


def test_the_latest_backward_counts_and_steps_are_joined() -> None:
    class Twice(nn.Module):
        def forward(self, states: Tensor) -> Tensor:
            steps = [
                F.scaled_dot_product_attention(
                    states[:, :, at : at + 1], states[:, :, : at + 1], states[:, :, : at + 1]
                )
                for at in range(3)
            ]
            return torch.cat(steps, 2)

    model = Twice()
    states = torch.randn(1, 1, 3, 4, requires_grad=True)
    with regard.look(model, keep="gradients") as seen:
        made = model(states)
    name = next(iter(seen))
    for factor in (1.0, 3.0):
        (factor * made).sum().backward(retain_graph=True)
        expected = factor * states.detach().sum(-1).expand(1, 1, 3, 3).tril()
        torch.testing.assert_close(seen[name].gradient, expected)


def test_what_cannot_be_told_is_said() -> None:
    states = torch.randn(1, 2, 3, 4)
    attention = Attention(ScaledDot(), Soft(), dropout=0.5).eval()
    with torch.no_grad(), regard.look(attention, keep="gradients") as seen:
        attention(states, states, states)
    with pytest.raises(NoGradientError, match="attention: the model ran without gradients"):
        _ = seen["attention"].gradient
    states.requires_grad_()
    with regard.look(attention, keep="gradients") as seen:
        made = attention(states, states, states).context
        with pytest.raises(NoGradientError, match=r"call backward\(\)"):
            _ = seen["attention"].gradient
    assert seen["attention"].weights.shape == (1, 2, 3, 3)
    made.sum().backward()
    assert seen["attention"].gradient.shape == (1, 2, 3, 3)
    attention.train()
    with regard.look(attention, keep="gradients") as seen:
        attention(states, states, states).context.sum().backward()
    with pytest.raises(NoGradientError, match=r"model\.eval\(\)"):
        _ = seen["attention"].gradient
    with regard.look(attention) as seen:
        attention(states, states, states)
    with pytest.raises(ValueError, match="keep='gradients'"):
        _ = seen["attention"].gradient
    layer = nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()
    with torch.no_grad(), regard.look(layer, keep="gradients") as seen:
        layer(torch.zeros(1, 3, 8))
    with pytest.raises(NoGradientError, match="fast path"):
        _ = seen["self_attn"].gradient

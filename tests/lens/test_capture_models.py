"""Capture of models of other libraries, against their own eager attention with the same weights."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

import regard
from regard.lens import NothingSeenError

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
IDS = torch.randint(3, 50, (2, 7), generator=torch.Generator().manual_seed(5))
MASK = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])


def twins(family: type[Any], config: Any) -> tuple[nn.Module, nn.Module]:
    """A model on fused kernels, and one with the same weights that writes its attention out."""
    torch.manual_seed(6)
    fused = family._from_config(copy.deepcopy(config), attn_implementation="sdpa").eval()
    eager = family._from_config(copy.deepcopy(config), attn_implementation="eager").eval()
    eager.load_state_dict(fused.state_dict())
    return fused, eager


def same_bits(one: Any, other: Any) -> bool:
    return torch.equal(one[0], other[0])


@torch.no_grad()
def check(family: type[Any], config: Any, paths: str, **inputs: Tensor) -> nn.Module:
    """That the maps are those of the eager twin, and the model's output has the same bits."""
    fused, eager = twins(family, config)
    expected = eager(**inputs, output_attentions=True)
    plain = fused(**inputs)
    with regard.look(fused) as seen:
        assert same_bits(fused(**inputs), plain)
    assert list(seen) == [paths.format(layer) for layer in range(2)]
    for found, weights in zip(seen.values(), expected.attentions, strict=True):
        torch.testing.assert_close(found.weights, weights)
        assert found.error is not None
        assert found.error < 1e-5
    return fused


def test_bert() -> None:
    config = transformers.BertConfig(vocab_size=50, **SMALL)
    model = check(
        transformers.BertModel, config, "encoder.layer.{}.attention.self", input_ids=IDS, attention_mask=MASK
    )
    with torch.no_grad(), regard.look(model, "encoder.layer.*", heads=[0, 3], queries=[-1]) as seen:
        model(IDS)
    assert seen["encoder.layer.1.attention.self"].weights.shape == (2, 2, 1, 7)
    told = r"nearest in this model: encoder\.layer\.\d"
    with pytest.raises(ValueError, match=told), regard.look(model, "encoder.layers.1"):
        pass


def test_gpt2_and_its_steps() -> None:
    config = transformers.GPT2Config(vocab_size=50, n_embd=32, n_layer=2, n_head=4, n_positions=32)
    check(transformers.GPT2LMHeadModel, config, "transformer.h.{}.attn", input_ids=IDS, attention_mask=MASK)
    check_steps(transformers.GPT2LMHeadModel, config)


@pytest.mark.parametrize("shared", [1, 2])
def test_grouped_heads_and_their_steps(shared: int) -> None:
    config = transformers.LlamaConfig(vocab_size=50, num_key_value_heads=shared, **SMALL)
    check(transformers.LlamaForCausalLM, config, "model.layers.{}.self_attn", input_ids=IDS)
    check_steps(transformers.LlamaForCausalLM, config)


@torch.no_grad()
def check_steps(family: type[Any], config: Any) -> None:
    """That decoding step by step, by ``generate``, joins to the map of the whole."""
    fused, eager = twins(family, config)
    for prompt in (IDS[:1], IDS[:1, :1], IDS):
        options = {"attention_mask": torch.ones_like(prompt), "max_new_tokens": 5, "do_sample": False}
        options |= {"pad_token_id": 0, "eos_token_id": None}
        plain = fused.generate(prompt, **options)  # type: ignore[operator]
        with regard.look(fused) as seen:
            assert torch.equal(fused.generate(prompt, **options), plain)  # type: ignore[operator]
        expected = eager(plain[:, :-1], output_attentions=True).attentions
        for name, weights in zip(seen, expected, strict=True):
            assert len(seen.runs(name)) == 1
            torch.testing.assert_close(seen[name].weights, weights)
        with regard.look(fused, queries=[-1, 0]) as seen:
            fused.generate(prompt, **options)  # type: ignore[operator]
        torch.testing.assert_close(seen[name].weights, weights[:, :, [0, -1]])


@torch.no_grad()
def test_marian_and_its_steps() -> None:
    config = transformers.MarianConfig(
        vocab_size=50, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=32,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=2, forced_eos_token_id=None,
    )  # fmt: skip
    fused, eager = twins(transformers.MarianMTModel, config)
    given = {"input_ids": IDS, "attention_mask": MASK, "decoder_input_ids": IDS[:, :4]}
    expected = eager(**given, output_attentions=True)
    plain = fused(**given)
    with regard.look(fused) as seen:
        assert same_bits(fused(**given), plain)
    layers = [
        (f"model.{stack}.layers.{layer}.{kind}", getattr(expected, f"{which}_attentions")[layer])
        for stack, kind, which in (
            ("encoder", "self_attn", "encoder"),
            ("decoder", "self_attn", "decoder"),
            ("decoder", "encoder_attn", "cross"),
        )
        for layer in range(2)
    ]
    assert sorted(seen) == sorted(name for name, _ in layers)
    for name, weights in layers:
        torch.testing.assert_close(seen[name].weights, weights)
    options = {"max_new_tokens": 4, "min_new_tokens": 4, "num_beams": 1, "do_sample": False}
    for at in ("*", "*encoder_attn"):  # what goes on is known from places that are not looked at, too
        with regard.look(fused, at) as seen:
            made = fused.generate(IDS, attention_mask=MASK, **options)  # type: ignore[operator]
        whole = eager(IDS, MASK, made[:, :-1], output_attentions=True)
        name = "model.decoder.layers.1.encoder_attn"
        assert len(seen.runs(name)) == 1
        torch.testing.assert_close(seen[name].weights, whole.cross_attentions[1])


def test_vit() -> None:
    config = transformers.ViTConfig(image_size=16, patch_size=8, **SMALL)
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    fused, _ = twins(transformers.ViTModel, config)
    path = next(name for name, _ in fused.named_modules() if name.endswith("0.attention"))
    with torch.no_grad(), regard.look(fused) as seen:
        fused(images)
    names = list(seen)
    assert names[0].startswith(path)
    check(transformers.ViTModel, config, names[0].replace("0", "{}"), pixel_values=images)


def test_eager_attention_is_told() -> None:
    _, eager = twins(transformers.BertModel, transformers.BertConfig(vocab_size=50, **SMALL))
    with pytest.raises(NothingSeenError, match=r"'eager'.*attn_implementation='sdpa'"), regard.look(eager):
        eager(IDS)


def test_training_a_hugging_face_model_changes_by_no_bit() -> None:
    config = transformers.BertConfig(vocab_size=50, **SMALL)
    torch.manual_seed(0)
    model = transformers.BertModel._from_config(config, attn_implementation="sdpa").train()
    model.gradient_checkpointing_enable()
    results = []
    for looking in (False, True):
        torch.manual_seed(1)
        model.zero_grad()
        if looking:
            with regard.look(model, queries=[0]) as seen:
                output = model(IDS, MASK).last_hidden_state
        else:
            output = model(IDS, MASK).last_hidden_state
        output.square().sum().backward()
        results.append([output.detach(), *(p.grad for p in model.parameters() if p.grad is not None)])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
    assert all(one.error is None and len(seen.runs(name)) == 1 for name, one in seen.items())


@torch.no_grad()
def test_timm(timm: ModuleType) -> None:
    transformer = timm.models.vision_transformer.VisionTransformer
    torch.manual_seed(0)
    model = transformer(img_size=16, patch_size=8, embed_dim=32, depth=2, num_heads=4, num_classes=3).eval()
    images = torch.rand(2, 3, 16, 16)
    plain = model(images)
    with regard.look(model) as seen:
        assert torch.equal(model(images), plain)
    assert list(seen) == ["blocks.0.attn", "blocks.1.attn"]
    kept: list[Tensor] = []
    for block in model.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda _, given, __: kept.append(given[0]))
    model(images)
    for found, weights in zip(seen.values(), kept, strict=True):
        torch.testing.assert_close(found.weights, weights)

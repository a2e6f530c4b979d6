"""Editing heads of models of other libraries, against copies whose parameters were changed by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor, nn

import regard

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
IDS = torch.randint(3, 50, (2, 7), generator=torch.Generator().manual_seed(5))
MASK = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
EDITS: dict[int, Any] = {0: 0.0, 1: -0.5, 3: "uniform"}


def built(family: type[Any], config: Any) -> Any:
    torch.manual_seed(6)
    return family._from_config(config, attn_implementation="sdpa").double().eval()


@torch.no_grad()
def scale(columns: Tensor, size: int = 8) -> None:
    """What the output projection reads of each head: [width, heads · size], a view of the parameter."""
    columns[:, :size] = 0.0
    columns[:, size : 2 * size] *= -0.5


@torch.no_grad()
def blind(rows: Tensor, bias: Tensor | None, size: int = 8) -> None:
    """Makes the queries of the last head zero: rows [heads · size, width], a view of the parameter."""
    rows[3 * size : 4 * size] = 0.0
    if bias is not None:
        bias[3 * size : 4 * size] = 0.0


@torch.no_grad()
def check(
    model: nn.Module, key: str, by_hand: Callable[[Any], None], run: Callable[[Any], Tensor], at: str
) -> None:
    """That an edit does what is done by hand to a copy, and nothing once it is over."""
    other = copy.deepcopy(model)
    by_hand(other)
    plain, expected = run(model), run(other)
    with regard.edit(model, {key: {"heads": EDITS}}), regard.look(model, at) as seen:
        found = run(model)
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, plain)
    assert torch.equal(run(model), plain)
    sums = seen[at].weights[0, :, 0].sum(-1)
    torch.testing.assert_close(sums, torch.tensor([0.0, -0.5, 1.0, 1.0], dtype=torch.float64))
    rows = seen[at].weights[0, 3]
    assert all(len(row[row > 0].unique()) == 1 for row in rows)


def test_bert() -> None:
    def by_hand(model: Any) -> None:
        layer = model.encoder.layer[1].attention
        scale(layer.output.dense.weight)
        blind(layer.self.query.weight, layer.self.query.bias)

    model = built(transformers.BertModel, transformers.BertConfig(vocab_size=50, **SMALL))
    check(
        model,
        "encoder.layer.1",
        by_hand,
        lambda one: one(IDS, MASK).last_hidden_state[MASK.bool()],
        "encoder.layer.1.attention.self",
    )


def test_gpt2() -> None:
    def by_hand(model: Any) -> None:
        layer = model.transformer.h[0].attn
        scale(layer.c_proj.weight.T)
        blind(layer.c_attn.weight.T[:32], layer.c_attn.bias[:32])

    config = transformers.GPT2Config(vocab_size=50, n_embd=32, n_layer=2, n_head=4, n_positions=32)
    model = built(transformers.GPT2LMHeadModel, config)
    check(model, "*.h.0.attn", by_hand, lambda one: one(IDS).logits, "transformer.h.0.attn")
    check(model, "transformer.h.0", by_hand, sampled, "transformer.h.0.attn")


def sampled(model: Any) -> Tensor:
    """Scores of what a model writes, step by step."""
    options = {
        "max_new_tokens": 4,
        "do_sample": False,
        "return_dict_in_generate": True,
        "output_logits": True,
    }
    made = model.generate(
        IDS[:1], attention_mask=torch.ones(1, 7), pad_token_id=0, eos_token_id=None, **options
    )
    return torch.stack(made.logits)


@pytest.mark.parametrize("shared", [1, 2])
def test_grouped_heads_are_those_of_the_queries(shared: int) -> None:
    def by_hand(model: Any) -> None:
        layer = model.model.layers[1].self_attn
        scale(layer.o_proj.weight)
        blind(layer.q_proj.weight, None)

    config = transformers.LlamaConfig(vocab_size=50, num_key_value_heads=shared, **SMALL)
    model = built(transformers.LlamaForCausalLM, config)
    at = "model.layers.1.self_attn"
    check(model, at, by_hand, lambda one: one(IDS, MASK).logits[MASK.bool()], at)
    check(model, at, by_hand, sampled, at)


def test_marian_with_its_beam() -> None:
    def by_hand(model: Any) -> None:
        layer = model.model.decoder.layers[1].encoder_attn
        scale(layer.out_proj.weight)
        blind(layer.q_proj.weight, layer.q_proj.bias)

    def run(model: Any) -> Tensor:
        forced = model(input_ids=IDS, attention_mask=MASK, decoder_input_ids=IDS[:, :4]).logits
        return forced

    def beam(model: Any) -> Tensor:
        options = {"max_new_tokens": 6, "num_beams": 3, "do_sample": False, "output_scores": True}
        made = model.generate(IDS, attention_mask=MASK, return_dict_in_generate=True, **options)
        return made.sequences_scores

    config = transformers.MarianConfig(
        vocab_size=50, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=32,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=2, forced_eos_token_id=None,
    )  # fmt: skip
    model = built(transformers.MarianMTModel, config)
    at = "model.decoder.layers.1.encoder_attn"
    check(model, "*.decoder.*.1.encoder_attn", by_hand, run, at)
    with torch.no_grad():
        other = copy.deepcopy(model)
        by_hand(other)
        with regard.edit(model, {at: {"heads": EDITS}}):
            torch.testing.assert_close(beam(model), beam(other))


def test_vit() -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    model = built(transformers.ViTModel, transformers.ViTConfig(image_size=16, patch_size=8, **SMALL))
    with torch.no_grad(), regard.look(model) as seen:
        model(images)
    at = next(iter(seen))

    def by_hand(model: Any) -> None:
        inside = dict(model.get_submodule(at.removesuffix(".attention")).named_modules())
        query = next(one for name, one in inside.items() if name.endswith(("query", "q_proj")))
        behind = next(one for name, one in inside.items() if name.endswith(("output.dense", "o_proj")))
        scale(behind.weight)
        blind(query.weight, query.bias)

    check(model, at, by_hand, lambda one: one(images).last_hidden_state, at)


def test_eager_attention_is_told() -> None:
    config = transformers.BertConfig(vocab_size=50, **SMALL)
    model = transformers.BertModel._from_config(config, attn_implementation="eager").eval()
    with pytest.raises(regard.lens.NothingEditedError, match=r"'eager'.*attn_implementation='sdpa'"):  # noqa: SIM117
        with regard.edit(model, {"encoder": {"heads": {0: 0}}}):
            model(IDS)


def test_timm(timm: ModuleType) -> None:
    transformer = timm.models.vision_transformer.VisionTransformer
    torch.manual_seed(0)
    model = transformer(img_size=16, patch_size=8, embed_dim=32, depth=2, num_heads=4, num_classes=3)
    images = torch.rand(2, 3, 16, 16, dtype=torch.float64)

    def by_hand(model: Any) -> None:
        layer = model.blocks[1].attn
        scale(layer.proj.weight)
        blind(layer.qkv.weight[:32], layer.qkv.bias[:32])

    check(model.double().eval(), "blocks.1", by_hand, lambda one: one(images), "blocks.1.attn")

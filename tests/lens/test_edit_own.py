"""Editing heads of Regard's own attention, of every kind, at once and step by step."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

import regard
from regard.attention import (
    Additive,
    Attention,
    AttentionConfig,
    Causal,
    Documents,
    Entmax15,
    General,
    Global,
    Hard,
    LocalMonotonic,
    LocalPredictive,
    Padding,
    ScaledDot,
    Scope,
    Score,
    Selection,
    Sigmoid,
    Soft,
    Sparsemax,
    Window,
)
from regard.decoding.config import DecodingConfig
from regard.decoding.search import search
from regard.models.images import UNet, UNetConfig, VisionTransformer, VitConfig
from regard.models.text.build import build_translator
from regard.models.text.config import ModelConfig
from regard.models.text.transformer import TransformerDecoder
from regard.models.text.transformer_step import StraightStep

DOCUMENTS = Documents(torch.tensor([[0, 0, 0, 1, 1, 1]]), torch.tensor([[0, 1, 0, 1, 2, 1]]))
KINDS: list[tuple[Score, Selection, Scope]] = [
    (Additive(4, 4, 4), Soft(), Causal()),
    (General(4, 4, 2), Sparsemax(), Padding(torch.tensor([[True] * 4 + [False] * 2]))),
    (ScaledDot(), Soft(), Window(1)),
    (ScaledDot(), Soft(), Causal() & Window(2)),
    (ScaledDot(), Entmax15(), Global()),
    (ScaledDot(), Sigmoid(), LocalMonotonic(2)),
    (ScaledDot(), Soft(), LocalPredictive(4, 2, heads=2)),
    (ScaledDot(), Soft(), DOCUMENTS),
    (ScaledDot(), Hard("reinforce"), Global()),
    (ScaledDot(), Hard("gumbel"), Causal()),
]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("score", "selection", "scope"), KINDS, ids=lambda one: repr(one).split("(")[0])
@torch.no_grad()
def test_every_kind(score: Score, selection: Selection, scope: Scope, training: bool) -> None:
    attention = Attention(score, selection, scope=scope).double().train(training)
    generator = torch.Generator().manual_seed(3)
    query, key, value = torch.randn(3, 1, 2, 6, 4, dtype=torch.float64, generator=generator).unbind(0)
    slopes = torch.tensor([0.5, 0.25], dtype=torch.float64)

    def run(**options: Any) -> Any:
        torch.manual_seed(1)
        return attention(query, key, value, slopes=slopes, **options)

    plain = run(rows="all")
    with regard.edit(attention, {"*": {"heads": {0: 0.5, 1: 0.0}}}), regard.look(attention) as seen:
        context = run().context
    torch.testing.assert_close(context[:, 0], 0.5 * plain.context[:, 0])
    assert not context[:, 1].any()
    torch.testing.assert_close(seen["attention"].weights[:, 0], 0.5 * plain.weights[:, 0])
    assert not seen["attention"].weights[:, 1].any()
    with regard.look(attention) as seen, regard.edit(attention, {"*": {"heads": {1: "uniform"}}}):
        found = run()
    weights = seen["attention"].weights
    assert torch.equal(found.context[:, 0], plain.context[:, 0])
    torch.testing.assert_close(found.context[:, 1], (weights @ value)[:, 1])
    assert found.weights is None
    if isinstance(scope, LocalPredictive):
        return  # its Gaussian stays: what it lies upon is equal
    # Who may look where, from a softmax, which leaves no weight at zero.
    open_to = Attention(ScaledDot(), Soft(), scope=scope)(query, key, value, rows="all").weights > 0
    level = open_to / open_to.sum(-1, keepdim=True).clamp_min(1)
    torch.testing.assert_close(weights[:, 1], level.double()[:, 1])
    if found.log_probability is not None:
        assert torch.equal(found.log_probability[:, 0], plain.log_probability[:, 0])
        assert not found.log_probability[:, 1].any()


SOURCE = torch.tensor([[5, 6, 7, 8, 2], [7, 5, 2, 0, 0], [9, 9, 4, 2, 0]])
TARGET = torch.tensor([[1, 6, 5, 9], [1, 8, 8, 4], [1, 4, 5, 6]])
TRANSLATORS: dict[str, dict[str, Any]] = {
    "transformer": {},
    "grouped": {"kv_heads": 1},
    "additive": {"attention": AttentionConfig(score="additive")},
    "sparse": {"attention": AttentionConfig(selection="entmax15", score="general")},
    "rotary": {"positions": "rotary"},
    "bahdanau": {"decoder": "gru", "wiring": "bahdanau", "attention": AttentionConfig(score="additive")},
    "luong": {"decoder": "lstm", "cross_heads": 2},
    "local": {"decoder": "gru", "attention": AttentionConfig(scope="local-p", window=2)},
}


def translator(**options: Any) -> Any:
    torch.manual_seed(0)
    given = {"width": 8, "heads": 2, "layers": 2, "dropout": 0.0} | options
    return build_translator(ModelConfig(**given), 12, 12, joint=False, pad=0).eval()


@pytest.mark.parametrize("kind", TRANSLATORS)
@torch.no_grad()
def test_a_translator_at_once_and_step_by_step(kind: str) -> None:
    """What is forced and what is stepped, through rows that are repeated, are edited alike."""
    model = translator(**TRANSLATORS[kind])
    mask = SOURCE != 0
    edits: dict[str, Any] = {
        "*cross": {"heads": {"all": 0.0, 0: 0.4}},
        "encoder.1": {"heads": {1: "uniform"}},
    }
    if isinstance(model.decoder, TransformerDecoder):
        edits |= {"decoder.0.self": {"heads": {0: 0.0}}}
    plain = model(SOURCE, mask, TARGET).states
    with regard.edit(model, edits), regard.look(model, "decoder*") as seen:
        forced = model(SOURCE, mask, TARGET).states
    assert not torch.allclose(forced, plain)
    cross = next(name for name in seen if name.endswith("cross"))
    assert seen[cross].error < 1e-5
    assert not seen[cross].weights[:, 1:].any()
    with regard.edit(model, edits):
        cache = model.start(model.encode(SOURCE, mask), 4)
        rows = torch.tensor([0, 0, 1, 1, 2, 2])
        cache.select(rows)
        for step in range(4):
            states = model.step(TARGET[rows, step], cache)
            torch.testing.assert_close(states, forced[rows, step], atol=5e-6, rtol=1e-5)
    assert torch.equal(model(SOURCE, mask, TARGET).states, plain)


@torch.no_grad()
def test_the_straight_step_gives_way_and_comes_back() -> None:
    model, calls = translator(), []
    mask, own = SOURCE != 0, StraightStep.__call__
    cache = model.start(model.encode(SOURCE, mask), 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StraightStep, "__call__", lambda *given: calls.append(1) or own(*given))
        model.step(TARGET[:, 0], cache)
        assert len(calls) == 1
        with regard.edit(model, {"decoder.1.cross": {"heads": {0: 0.0}}}):
            model.step(TARGET[:, 1], cache)
        assert len(calls) == 1
        model.step(TARGET[:, 2], cache)
    assert len(calls) == 2


@pytest.mark.parametrize("beam", [1, 3])
def test_a_search_is_that_of_a_model_whose_projection_was_changed(beam: int) -> None:
    model = translator(width=16)
    by_hand = copy.deepcopy(model)
    with torch.no_grad():
        by_hand.decoder.layers[0].cross_attention.output.weight[:, 8:] = 0.0
        by_hand.encoder.layers[1].self_attention.output.weight[:, :8] *= 3.0
    config = DecodingConfig(beam=beam, n_best=beam)
    edits = {"decoder.0.cross": {"heads": {1: 0.0}}, "encoder.1": {"heads": {0: 3.0}}}
    expected = search(by_hand, SOURCE, SOURCE != 0, config, bos=1, eos=2)
    with regard.edit(model, edits):  # type: ignore[arg-type]
        found = search(model, SOURCE, SOURCE != 0, config, bos=1, eos=2)
    for ours, theirs in zip(found, expected, strict=True):
        assert [one.tokens for one in ours] == [one.tokens for one in theirs]
        assert [one.score for one in ours] == pytest.approx([one.score for one in theirs], abs=1e-4)
    plain = search(model, SOURCE, SOURCE != 0, config, bos=1, eos=2)
    assert [one[0].score for one in plain] != pytest.approx([one[0].score for one in found], abs=1e-4)


@torch.no_grad()
def test_a_vit() -> None:
    torch.manual_seed(0)
    config = VitConfig(width=16, heads=2, layers=2, patch=4)
    model = VisionTransformer(config, 3, 4, (16, 16), mean=[0.5] * 3, std=[0.2] * 3).eval()
    images = torch.rand(2, 3, 16, 16)
    by_hand = copy.deepcopy(model)
    place = next(name for name, _ in model.named_modules() if name.endswith("1.self_attention"))
    by_hand.get_submodule(place).output.weight[:, :8] = 0.0
    with regard.edit(model, {place: {"heads": {0: 0.0}}}):
        torch.testing.assert_close(model(images), by_hand(images))


@torch.no_grad()
def test_a_gate_of_a_unet_can_be_shut_and_opened() -> None:
    torch.manual_seed(0)
    model = UNet(UNetConfig(width=4, depth=2, attention_gates=True), 1, 2, mean=[0.5], std=[0.2]).eval()
    images = torch.rand(1, 1, 8, 8)
    gate = next(module for name, module in model.named_modules() if name.endswith("gate"))
    skip = torch.randn(1, 4, 2, 2)
    plain = model(images)
    with regard.edit(model, {"*gate": {"heads": {0: 0.0}}}):
        shut = model(images)
    assert not torch.allclose(shut, plain)
    # With one key for each place, equal weights are ones: what is let through is the skip itself.
    with regard.edit(gate, {"*": {"heads": {0: "uniform"}}}):
        torch.testing.assert_close(gate(skip, skip), skip)
    assert torch.equal(model(images), plain)

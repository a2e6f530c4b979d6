"""Editing heads of torch's own attention, against what is written out by hand."""

from __future__ import annotations

import copy
import threading
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import regard
from regard.lens import NothingEditedError

HOW_MUCH = st.one_of(st.sampled_from([0.0, 1.0, "uniform"]), st.floats(-2, 2))
MASKS = ("none", "bool", "bias", "causal")


class Toy(nn.Module):
    """Scaled dot-product attention, and nothing else."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, **options)


def random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def written_out(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor, edits: dict[int, Any]
) -> tuple[Tensor, Tensor]:
    """Weights and contexts, head by head; `bias` is -inf where nobody may look."""
    weights = []
    for head in range(query.shape[1]):
        scores = query[:, head] @ key[:, head].transpose(1, 2) / query.shape[-1] ** 0.5 + bias
        if edits.get(head) == "uniform":
            found = (bias > -1e4).to(scores) / (bias > -1e4).sum(-1, keepdim=True)
            weights.append(found.expand_as(scores))
        else:
            weights.append(edits.get(head, 1.0) * scores.softmax(-1))
    joined = torch.stack(weights, 1)
    return joined, joined @ value


def bias_of(kind: str, queries: int, keys: int) -> tuple[Tensor, dict[str, Any]]:
    """What is added to scores, and how it is said to the function."""
    ahead = torch.ones(queries, keys, dtype=torch.bool).triu(1)
    hidden = torch.zeros(queries, keys, dtype=torch.float64).masked_fill(ahead, -torch.inf)
    if kind == "causal":
        return hidden, {"is_causal": True}
    if kind == "bool":
        return hidden, {"attn_mask": ~ahead}
    if kind == "bias":
        bias = random(queries, keys, seed=4).masked_fill(ahead, torch.finfo(torch.float32).min)
        return bias, {"attn_mask": bias}
    return torch.zeros(queries, keys, dtype=torch.float64), {}


@given(
    edits=st.dictionaries(st.integers(0, 3), HOW_MUCH, min_size=1),
    kind=st.sampled_from(MASKS),
    grouped=st.booleans(),
    outside=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_any_edit_of_any_call_is_what_is_written_out(
    edits: dict[int, Any], kind: str, grouped: bool, outside: bool
) -> None:
    query, key, value = (
        random(2, 4, 5, 3),
        random(2, 2 if grouped else 4, 6, 3),
        random(2, 2 if grouped else 4, 6, 2),
    )
    bias, options = bias_of(kind, 5, 6)
    wide = [x.repeat_interleave(4 // x.shape[1], 1) for x in (key, value)]
    weights, context = written_out(query, *wide, bias, edits)
    model = Toy()
    editing, looking = regard.edit(model, {"*": {"heads": edits}}), regard.look(model)
    first, second = (looking, editing) if outside else (editing, looking)
    with first as one, second as other:
        found = model(query, key, value, enable_gqa=grouped, **options)
    torch.testing.assert_close(found, context)
    seen = (one if outside else other)["attention"]
    torch.testing.assert_close(seen.weights, weights)
    assert seen.error < 1e-9


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 3), (2, 2, 4, 5, 3)])
def test_calls_of_any_number_of_dimensions(shape: tuple[int, ...]) -> None:
    states, model = random(*shape), Toy()
    head = 1 if len(shape) > 3 else 0
    with (
        regard.edit(model, {"*": {"heads": {head: "uniform"}}}),
        regard.edit(model, {"*": {"heads": {head: 2}}}),
    ):
        found = model(states, states, states)
    level = 2 * states.mean(-2, keepdim=True).expand_as(states)
    plain = model(states, states, states)
    if head == 0:
        torch.testing.assert_close(found, level)
    else:
        torch.testing.assert_close(found[..., 1, :, :], level[..., 1, :, :])
        assert torch.equal(found[..., 0, :, :], plain[..., 0, :, :])


@torch.no_grad()
def test_one_query_head_that_looks_at_keys_of_many() -> None:
    query, key, mask, model = random(2, 1, 5, 3), random(2, 4, 6, 3), random(5, 6, seed=3), Toy()
    wide = query.expand(2, 4, 5, 3)
    weights, context = written_out(wide, key, key, mask, {0: 0.0, 3: 0.5, 2: "uniform"})
    edits: Any = {"*": {"heads": {0: 0.0, 3: 0.5, 2: "uniform"}}}
    with regard.edit(model, edits), regard.look(model) as seen:
        found = model(query, key, key, attn_mask=mask)
    torch.testing.assert_close(found, context)
    torch.testing.assert_close(seen["attention"].weights, weights)


@torch.no_grad()
def test_calls_without_queries_or_keys() -> None:
    model, none, some = Toy(), random(2, 4, 0, 3), random(2, 4, 5, 3)
    with regard.edit(model, {"*": {"heads": {0: 0.5, 1: "uniform"}}}):
        assert model(none, some, some).shape == (2, 4, 0, 3)
        assert not model(some, none, none).any()


ATTENTIONS: list[dict[str, Any]] = [
    {},
    {"batch_first": True},
    {"bias": False, "kdim": 5, "vdim": 7},
    {"add_bias_kv": True, "add_zero_attn": True},
]


@pytest.mark.parametrize("need_weights", ["no", "each", "mean"])
@pytest.mark.parametrize("mask", ["none", "bool", "float", "three"])
@pytest.mark.parametrize("options", ATTENTIONS, ids=str)
@torch.no_grad()
def test_multi_head_attention_on_every_path(options: dict[str, Any], mask: str, need_weights: str) -> None:
    torch.manual_seed(2)
    module = nn.MultiheadAttention(8, 4, **options).double().eval()
    query, key, value = random(5, 2, 8), random(6, 2, module.kdim, seed=2), random(6, 2, module.vdim, seed=3)
    given: dict[str, Any] = {
        "need_weights": need_weights != "no",
        "average_attn_weights": need_weights == "mean",
    }
    if mask != "none":
        given["key_padding_mask"] = torch.tensor([[False] * 6, [False] * 4 + [True] * 2])
        attention = torch.ones(5, 6, dtype=torch.bool).triu(2)
        if mask != "bool":
            attention = random(*((8, 5, 6) if mask == "three" else (5, 6)), seed=5).masked_fill(
                attention, -torch.inf
            )
        given["attn_mask"] = attention
    if module.batch_first:
        query, key, value = (x.transpose(0, 1) for x in (query, key, value))
    edits = {0: 0.5, 1: 0.0, 2: "uniform"}
    # By hand: columns of the projection behind; a projection in front that makes queries of zeros.
    other = copy.deepcopy(module)
    other.out_proj.weight[:, 0:2] *= 0.5
    other.out_proj.weight[:, 2:4] = 0.0
    (other.in_proj_weight if other._qkv_same_embed_dim else other.q_proj_weight)[4:6] = 0.0
    if other.in_proj_bias is not None:
        other.in_proj_bias[4:6] = 0.0
    by_hand = dict(given)
    if mask in ("float", "three"):
        heads = given["attn_mask"] if mask == "three" else given["attn_mask"].repeat(8, 1, 1)
        heads = heads.clone()
        heads[2::4] = torch.where(heads[2::4] == -torch.inf, -torch.inf, 0.0)
        by_hand["attn_mask"] = heads
    expected, weights = other(query, key, value, **by_hand | {"average_attn_weights": False})
    with regard.edit(module, {"*": {"heads": edits}}), regard.look(module) as seen:
        found, told = module(query, key, value, **given)
    torch.testing.assert_close(found, expected)
    assert seen["attention"].error < 1e-9
    if need_weights == "no":
        assert told is None
        return
    weights = weights * torch.tensor([0.5, 0.0, 1.0, 1.0], dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(told, weights.mean(1) if need_weights == "mean" else weights)
    torch.testing.assert_close(seen["attention"].weights, weights)


def encoder(norm_first: bool = False) -> nn.TransformerEncoder:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)
    return nn.TransformerEncoder(layer, 2).double().eval()


PADDING = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.filterwarnings("ignore:.*[Nn]ested")
@torch.no_grad()
def test_the_fast_paths_of_an_encoder_are_edited(norm_first: bool, padded: bool) -> None:
    model, x = encoder(norm_first), random(2, 5, 8)
    by_hand = copy.deepcopy(model)
    by_hand.layers[1].self_attn.out_proj.weight[:, 4:] *= 0.3
    options = {"src_key_padding_mask": PADDING} if padded else {}
    expected, plain = by_hand(x, **options), model(x, **options)
    for nothing in ({}, {"layers.0": {"heads": {0: 1.0, "all": 1}}}):
        with regard.edit(model, nothing):
            assert torch.equal(model(x, **options), plain)
    with regard.edit(model, {"layers.1": {"heads": {1: 0.3}}}):
        found = model(x, **options)
    real = ~PADDING if padded else torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(found[real], expected[real])
    assert torch.equal(model(x, **options), plain)


@torch.no_grad()
def test_a_prefix_means_all_that_is_below() -> None:
    torch.manual_seed(0)
    model = nn.Transformer(8, 2, 2, 2, 16, batch_first=True).double().eval()
    source, target = random(2, 5, 8), random(2, 4, 8, seed=2)
    by_hand = copy.deepcopy(model)
    for layer in by_hand.decoder.layers:
        layer.self_attn.out_proj.weight.zero_()
        layer.multihead_attn.out_proj.weight.zero_()
    with regard.edit(model, {"decoder": {"heads": {"all": 0.0}}}):
        torch.testing.assert_close(model(source, target), by_hand(source, target))
    only = copy.deepcopy(model)
    only.decoder.layers[1].multihead_attn.out_proj.weight[:, :4] = 0.0
    with regard.edit(
        model, {"decoder.layers.1.*": {"heads": {"all": 0.0, 0: 1, 1: 1}}, "*.1.multi*": {"heads": {0: 0}}}
    ):
        torch.testing.assert_close(model(source, target), only(source, target))


def test_gradients_flow_through_what_was_done() -> None:
    model, x = encoder().train(), random(2, 5, 8).requires_grad_()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for layer in model.layers:
        layer.self_attn.dropout = 0.0
    by_hand = copy.deepcopy(model)
    with torch.no_grad():
        by_hand.layers[0].self_attn.out_proj.weight[:, :4] *= -0.5
        by_hand.layers[0].self_attn.in_proj_weight[4:8] = 0.0
        by_hand.layers[0].self_attn.in_proj_bias[4:8] = 0.0
    (expected,) = torch.autograd.grad(by_hand(x).square().sum(), x)
    edits = {"layers.0.self_attn": {"heads": {0: -0.5, 1: "uniform"}}}
    with regard.edit(model, edits):  # type: ignore[arg-type]
        output = model(x)
    (found,) = torch.autograd.grad(output.square().sum(), x)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpointed_layer_is_refused_and_not_run_anew_without_its_edit(reentrant: bool) -> None:
    model, x = Toy(), random(1, 2, 4, 2).requires_grad_()
    told = "attention: heads of a checkpointed layer cannot be edited"
    with pytest.raises(ValueError, match=told), regard.edit(model, {"*": {"heads": {0: 0}}}):
        checkpoint(model, x, x, x, use_reentrant=reentrant)


@torch.no_grad()
def test_edits_of_several_blocks_add_up_in_any_order() -> None:
    model, x = Toy(), random(1, 3, 4, 2)
    one, other = {"*": {"heads": {0: 0.5, 1: 0.0}}}, {"*": {"heads": {0: "uniform", "all": 3.0}}}
    found = []
    for first, second in ((one, other), (other, one)):
        with regard.edit(model, first), regard.look(model) as between, regard.edit(model, second):  # type: ignore[arg-type]
            found.append(model(x, x, x))
        sums = between["attention"].weights[0].sum(-1)[:, 0]
        torch.testing.assert_close(sums, torch.tensor([0.5, 0.0, 3.0], dtype=torch.float64))
    assert torch.equal(*found)
    torch.testing.assert_close(found[0][0, 0], 0.5 * x[0, 0].mean(0).expand(4, 2))
    assert not found[0][0, 1].any()


@torch.no_grad()
def test_every_thread_has_its_own_edits() -> None:
    model, x = Toy(), random(1, 2, 4, 2)
    plain = model(x, x, x)
    together, found = threading.Barrier(3), {}

    def work(factor: float) -> None:
        with regard.edit(model, {"*": {"heads": {0: factor}}}):
            together.wait(10)
            found[factor] = model(x, x, x)
            together.wait(10)

    threads = [threading.Thread(target=work, args=(factor,)) for factor in (0.0, 2.0)]
    for thread in threads:
        thread.start()
    together.wait(10)
    assert torch.equal(model(x, x, x), plain)
    together.wait(10)
    for thread in threads:
        thread.join()
    for factor, output in found.items():
        assert torch.equal(output[:, 0], factor * plain[:, 0])
        assert torch.equal(output[:, 1], plain[:, 1])


@torch.no_grad()
def test_rows_of_a_batch_do_not_know_of_each_other() -> None:
    model, x = encoder(), random(4, 5, 8)
    with regard.edit(model, {"*": {"heads": {0: "uniform", 1: 0.7}}}):
        whole = model(x)
        for row in range(4):
            torch.testing.assert_close(model(x[row : row + 1]), whole[row : row + 1])


@torch.no_grad()
def test_nothing_is_left_whatever_happens() -> None:
    model, x = Toy(), random(1, 2, 4, 2)
    plain = model(x, x, x)
    with pytest.raises(KeyError, match="mine"), regard.edit(model, {"*": {"heads": {0: 0}}}):
        raise KeyError("mine")
    with pytest.raises(ValueError, match=r"attention has heads 0 to 1; there is no head 2"):  # noqa: SIM117
        with regard.look(model), regard.edit(model, {"*": {"heads": {2: 0}}}):
            model(x, x, x)
    assert torch._C._len_torch_function_stack() == 0
    assert torch.equal(model(x, x, x), plain)
    # A device mode lies lower still, and stays when the block ends.
    with regard.edit(model, {"*": {"heads": {0: 0}}}), torch.device("meta"):
        assert torch.empty(1).is_meta
        assert not model(x, x, x)[:, 0].any()


SENSELESS: list[tuple[Any, str]] = [
    ({"layer.0": {"heads": {0: 0}}}, r"no attention matches 'layer\.0'; nearest in this model: layers\.0"),
    ({"layers.0": {0: 0}}, r"an edit is a mapping such as \{'heads'"),
    ({"layers.0": 0.0}, r"an edit is a mapping such as"),
    ({"layers.0": {"heads": {"0": 0}}}, r"heads are whole numbers from 0 on, or 'all'; got '0'"),
    ({"layers.0": {"heads": {-1: 0}}}, r"heads are whole numbers from 0 on"),
    ({"layers.0": {"heads": {True: 0}}}, r"heads are whole numbers from 0 on"),
    ({"layers.0": {"heads": {0: "off"}}}, r"layers\.0, head 0: give a finite number"),
    ({"layers.0": {"heads": {0: float("nan")}}}, r"give a finite number"),
    ({"layers.0": {"heads": {0: True}}}, r"give a finite number"),
]


@pytest.mark.parametrize(("edits", "told"), SENSELESS)
def test_what_makes_no_sense_is_told_before_anything_runs(edits: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told), regard.edit(encoder(), edits):
        raise AssertionError


@torch.no_grad()
def test_where_nothing_was_edited_is_told() -> None:
    model, x = encoder(), random(1, 3, 8)
    told = r"nothing was edited at 'layers\.0\.linear1'.*some did where layers\.1 is meant"
    with pytest.raises(NothingEditedError, match=told):  # noqa: SIM117
        with regard.edit(model, {"layers.0.linear1": {"heads": {0: 0}}, "layers.1": {"heads": {0: 0}}}):
            model(x)
    with regard.edit(model, {"layers.0": {"heads": {0: 0}}}):
        pass  # nothing ran, and nothing is missing
    for compiled in (torch.compile(model, backend="eager"), copy.deepcopy(model)):
        if compiled is not model and not hasattr(compiled, "_orig_mod"):
            compiled.layers[1].compile(backend="eager")
        with pytest.raises(ValueError, match=r"runs compiled.*edit\(model\._orig_mod"):  # noqa: SIM117
            with regard.edit(compiled, {"*": {"heads": {0: 0}}}):
                raise AssertionError


@pytest.mark.filterwarnings("ignore")
@torch.no_grad()
def test_a_handle_compiled_outside_is_edited_or_refused() -> None:
    torch._dynamo.reset()
    model, x = Toy(), random(1, 2, 4, 2)
    handle = torch.compile(model, backend="eager")
    plain = handle(x, x, x)
    try:
        with regard.edit(model, {"*": {"heads": {0: 0.0}}}):
            found = handle(x, x, x)
        assert not found[:, 0].any()
        assert torch.equal(found[:, 1], plain[:, 1])
    except NothingEditedError:
        pass
    assert torch.equal(handle(x, x, x), plain)

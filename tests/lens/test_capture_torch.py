"""Capture of torch's own functions and modules, against attention written out."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.functional import scaled_dot_product_attention as by_name
from torch.overrides import TorchFunctionMode, _get_current_function_mode
from torch.utils.checkpoint import checkpoint

import regard
from regard.lens import DisagreementError, NothingSeenError


class Plain(nn.Module):
    """Attention of a user's own, by a name that was imported."""

    def __init__(self, width: int = 8, heads: int = 2, shared: int = 2, **options: Any) -> None:
        super().__init__()
        self.heads, self.shared, self.options = heads, shared, options
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width // heads * shared)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query = self.q(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.kv(x).unflatten(-1, (2 * self.shared, -1)).transpose(1, 2).chunk(2, 1)
        return query, key, value

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        options = {"enable_gqa": True} if self.shared != self.heads else {}
        dropped = self.options.get("dropout_p", 0.0) if self.training else 0.0
        seen = by_name(*self.parts(x), mask, **(self.options | options | {"dropout_p": dropped}))
        return x + seen.transpose(1, 2).flatten(2)


class Stack(nn.Module):
    """Two of them, checkpointed or not."""

    def __init__(self, *, saved: bool | None = None, **options: Any) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Plain(**options) for _ in range(2))
        self.saved = saved

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        for block in self.blocks:
            again = {} if self.saved is None else {"use_reentrant": self.saved}
            x = checkpoint(block, x, mask, **again) if again else block(x, mask)
        return x


def states(batch: int = 2, length: int = 5, width: int = 8) -> Tensor:
    return torch.randn(batch, length, width, generator=torch.Generator().manual_seed(1))


def written_out(query: Tensor, key: Tensor, mask: Tensor | None, scale: float, causal: bool) -> Tensor:
    """Attention as the documentation of torch writes it, in float64."""
    key = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
    scores = query.double() @ key.double().transpose(-2, -1) * scale
    if causal:
        scores = scores.masked_fill(~torch.ones(scores.shape[-2:], dtype=torch.bool).tril(), -math.inf)
    if mask is not None:
        mask = mask.double() if mask.dtype != torch.bool else torch.where(mask, 0.0, -math.inf).double()
        scores = scores + mask
    return torch.softmax(scores, -1).nan_to_num(0.0).float()


def left_behind(model: nn.Module) -> list[str]:
    """What could be left: hooks, forwards of objects, a mode."""
    left = [name for name, module in model.named_modules() if "forward" in vars(module)]
    for name, module in model.named_modules():
        left += [name] * (len(module._forward_hooks) + len(module._forward_pre_hooks))
    return left + ([] if _get_current_function_mode() is None else ["a mode"])


@given(
    queries=st.integers(1, 9),
    keys=st.integers(1, 9),
    heads=st.sampled_from([(1, 1), (4, 4), (4, 2), (6, 1)]),
    kind=st.sampled_from(["none", "boolean", "dead row", "float", "per head", "causal"]),
    scale=st.sampled_from([None, 0.3]),
    seed=st.integers(0, 99),
)
def test_weights_of_any_call_are_those_written_out(
    queries: int, keys: int, heads: tuple[int, int], kind: str, scale: float | None, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    query = torch.randn(2, heads[0], queries, 4, generator=random)
    key, value = torch.randn(2, 2, heads[1], keys, 4, generator=random).unbind(0)
    allowed = torch.rand(2, 1, queries, keys, generator=random) < 0.7
    allowed[..., 0] |= ~allowed.any(-1)
    mask = None
    if kind == "boolean":
        mask = allowed
    elif kind == "dead row":
        mask = allowed & (torch.arange(queries) != queries // 2)[:, None]
    elif kind == "float":
        mask = torch.randn(queries, keys, generator=random)
    elif kind == "per head":
        mask = torch.randn(2, heads[0], queries, keys, generator=random)
    causal = kind == "causal"

    class Call(nn.Module):
        def forward(self) -> Tensor:
            return F.scaled_dot_product_attention(
                query, key, value, mask, 0.0, causal, scale=scale, enable_gqa=heads[0] != heads[1]
            )

    model = Call()
    wanted = written_out(query, key, mask, 0.5 if scale is None else scale, causal)
    with regard.look(model) as seen:
        output = model()
    assert torch.equal(output, model())
    torch.testing.assert_close(seen["attention"].weights, wanted)
    row = queries - 1
    with regard.look(model, heads=[heads[0] - 1], queries=[-1]) as seen:
        model()
    torch.testing.assert_close(seen["attention"].weights, wanted[:, -1:, row:])
    assert seen["attention"].error is not None
    assert seen["attention"].error < 1e-5
    with regard.look(model, keep="summary", top=3) as seen:
        model()
    check_summary(seen["attention"].summary, wanted)


def check_summary(summary: Any, weights: Tensor) -> None:
    queries, keys = weights.shape[-2:]
    apart = (torch.arange(queries)[:, None] - torch.arange(keys)).abs()
    torch.testing.assert_close(summary.received, weights.sum(2))
    torch.testing.assert_close(summary.entropy, -torch.xlogy(weights, weights).sum(-1), atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(summary.distance, (weights * apart).sum(-1), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(summary.largest, weights.amax(-1))
    most = weights.sort(-1, descending=True).values[..., :3]
    torch.testing.assert_close(summary.top_weights[..., : most.shape[-1]], most)
    there = summary.top_keys >= 0
    named = weights.gather(-1, summary.top_keys.long().clamp(min=0)) * there
    torch.testing.assert_close(named, summary.top_weights)


@pytest.mark.parametrize("shape", [(5, 8), (3, 5, 8), (2, 3, 2, 5, 8)])
def test_calls_of_any_number_of_dimensions(shape: tuple[int, ...]) -> None:
    query, key, value = torch.randn(3, *shape).unbind(0)

    class Call(nn.Module):
        def forward(self) -> Tensor:
            return F.scaled_dot_product_attention(query, key, value, torch.ones(5, 5).tril().bool())

    model = Call()
    with regard.look(model) as seen:
        model()
    heads = shape[-3] if len(shape) > 3 else 1
    flat = [x.reshape(-1, heads, 5, 8) for x in (query, key)]
    expected = written_out(*flat, torch.ones(5, 5).tril().bool(), 8**-0.5, False)
    torch.testing.assert_close(seen["attention"].weights, expected)


BROADCAST = {
    "one query head": ((2, 1, 5, 8), (2, 4, 6, 8), (2, 4, 6, 8)),
    "one key head": ((2, 4, 5, 8), (2, 1, 6, 8), (2, 4, 6, 8)),
    "one value head": ((2, 4, 5, 8), (2, 4, 6, 8), (2, 1, 6, 8)),
    "only values have many": ((2, 1, 5, 8), (2, 1, 6, 8), (2, 4, 6, 8)),
    "groups of two sizes": ((2, 6, 5, 8), (2, 2, 6, 8), (2, 3, 6, 8)),
    "one query of the batch": ((1, 4, 5, 8), (2, 4, 6, 8), (2, 4, 6, 8)),
    "keys without a batch": ((2, 4, 5, 8), (4, 6, 8), (6, 8)),
    "two dimensions of the batch": ((2, 3, 4, 5, 8), (2, 3, 4, 6, 8), (2, 3, 4, 6, 8)),
}


@pytest.mark.parametrize("mask", [None, (5, 6), (1, 1, 5, 6), "batch"])
@pytest.mark.parametrize("shapes", BROADCAST.values(), ids=list(BROADCAST))
def test_whatever_is_broadcast(
    shapes: tuple[tuple[int, ...], ...], mask: tuple[int, ...] | Literal["batch"] | None
) -> None:
    if mask == "batch":  # the last dimension of it, where there are two
        mask = (shapes[1][-4] if len(shapes[1]) > 3 else 1, 1, 5, 6)
    random = torch.Generator().manual_seed(2)
    query, key, value = (torch.randn(shape, generator=random) for shape in shapes)
    allowed = None if mask is None else torch.rand(mask, generator=random) < 0.7
    if allowed is not None:
        allowed[..., 0] = True
    grouped = query.shape[-3] == 6

    class Call(nn.Module):
        def forward(self) -> Tensor:
            return F.scaled_dot_product_attention(query, key, value, allowed, enable_gqa=grouped)

    model = Call()
    output = model()
    with regard.look(model) as seen:
        model()
    heads = output.shape[-3]
    wide = key.repeat_interleave(heads // key.shape[-3], -3) if grouped else key
    scores = query @ wide.transpose(-2, -1) / 8**0.5
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -math.inf)
    expected = scores.softmax(-1).expand(*output.shape[:-1], 6).reshape(-1, heads, 5, 6)
    torch.testing.assert_close(seen["attention"].weights, expected)
    assert seen["attention"].error is not None
    assert seen["attention"].error < 1e-5


@pytest.mark.parametrize(("queries", "keys"), [(0, 0), (0, 5), (5, 0)])
def test_calls_without_queries_or_keys_are_passed_over(queries: int, keys: int) -> None:
    class Call(nn.Module):
        def forward(self, query: Tensor, key: Tensor) -> Tensor:
            return F.scaled_dot_product_attention(query, key, key)

    model = Call()
    with regard.look(model) as seen:
        model(torch.zeros(2, 4, queries, 8), torch.zeros(2, 4, keys, 8))
        model(torch.zeros(2, 4, 5, 8), torch.zeros(2, 4, 5, 8))
    assert [run.weights.shape for run in seen.runs("attention")] == [(2, 4, 5, 5)]


@pytest.mark.parametrize("saved", [None, False, True])
@pytest.mark.parametrize("training", [False, True])
def test_nothing_changes_by_a_bit_checkpointed_or_not(saved: bool | None, training: bool) -> None:
    model = Stack(saved=saved, dropout_p=0.4).train(training)
    inputs = states().requires_grad_()
    mask = torch.ones(5, 5).tril().bool()
    results = []
    for looking in (False, True):
        torch.manual_seed(7)
        model.zero_grad()
        inputs.grad = None
        if looking:
            with regard.look(model) as seen:
                output = model(inputs, mask)
                # Layers that are run once more in the backward are not seen twice.
                torch.autograd.backward(output.square().sum())
        else:
            output = model(inputs, mask)
            output.square().sum().backward()
        results.append([output.detach(), torch.rand(3), inputs.grad, *(p.grad for p in model.parameters())])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
    assert list(seen) == ["blocks.0", "blocks.1"]
    assert [len(seen.runs(name)) for name in seen] == [1, 1]
    query, key, _ = model.blocks[0].parts(inputs)  # type: ignore[operator]
    torch.testing.assert_close(seen["blocks.0"].weights, written_out(query, key, mask, 0.5, False))
    assert (seen["blocks.0"].error is None) == training
    assert not left_behind(model)


def test_autocast_and_half_types() -> None:
    model, inputs = Stack().eval(), states()
    for dtype, cast in ((torch.bfloat16, False), (torch.bfloat16, True), (torch.float64, False)):
        model = model.float() if cast else model.to(dtype)
        x = inputs if cast else inputs.to(dtype)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=cast):
            plain = model(x)
            with regard.look(model) as seen:
                assert torch.equal(model(x), plain)
            query, key, _ = model.blocks[0].parts(x)  # type: ignore[operator]
        found = seen["blocks.0"]
        assert found.weights.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        expected = torch.softmax(query.double() @ key.double().transpose(-2, -1) / 2, -1)
        torch.testing.assert_close(found.weights.double(), expected, atol=1e-6, rtol=1e-5)
        assert found.error is not None
        assert found.error < (1e-12 if dtype == torch.float64 else 0.02)


class MultiHead(nn.Module):
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(8, 2, **options)
        self.call: dict[str, Any] = {}

    def forward(self, *given: Tensor, **call: Any) -> tuple[Tensor, Tensor | None]:
        found: tuple[Tensor, Tensor | None] = self.inner(*given, **call)
        return found


BOOLEAN = torch.ones(5, 5).triu(1).bool()
PADDING = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
CALLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({}, {"need_weights": False}),
    ({"batch_first": True}, {}),
    ({"batch_first": True}, {"need_weights": False, "key_padding_mask": PADDING}),
    ({"batch_first": True}, {"attn_mask": BOOLEAN, "is_causal": True, "need_weights": False}),
    ({"batch_first": True}, {"attn_mask": BOOLEAN, "key_padding_mask": PADDING}),
    ({"batch_first": True}, {"attn_mask": torch.randn(5, 5), "key_padding_mask": torch.randn(2, 5)}),
    ({"batch_first": True}, {"attn_mask": torch.randn(4, 5, 5)}),
    ({"batch_first": True, "bias": False}, {}),
    ({"add_bias_kv": True, "add_zero_attn": True}, {"attn_mask": BOOLEAN, "key_padding_mask": PADDING}),
    ({"dropout": 0.5}, {}),
]


@pytest.mark.parametrize(("options", "call"), CALLS)
@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_multi_head_attention_on_every_path(
    options: dict[str, Any], call: dict[str, Any], gradients: bool, training: bool
) -> None:
    torch.manual_seed(2)
    model = MultiHead(**options).train(training)
    x = states()
    x = x if options.get("batch_first") else x.transpose(0, 1)
    with torch.set_grad_enabled(gradients):
        torch.manual_seed(3)
        plain = model(x, x, x, **call)
        torch.manual_seed(3)
        with regard.look(model) as seen:
            again = model(x, x, x, **call)
        # Written out by torch itself, without dropout: the weights that it gives when it is asked for them.
        expected = model.eval()(x, x, x, **(call | {"need_weights": True, "average_attn_weights": False}))[1]
    assert torch.equal(plain[0], again[0])
    assert plain[1] is None or torch.equal(plain[1], again[1])  # type: ignore[arg-type]
    assert list(seen) == ["inner"]
    torch.testing.assert_close(seen["inner"].weights, expected.detach())
    if training and options.get("dropout"):
        assert seen["inner"].error is None
    else:
        assert seen["inner"].error is not None
        assert seen["inner"].error < 1e-5
    with torch.no_grad(), regard.look(model, heads=[1], queries=[3]) as seen:
        model(x, x, x, **call)
    torch.testing.assert_close(seen["inner"].weights, expected.detach()[:, 1:, 3:4])


def test_multi_head_attention_across_and_without_a_batch() -> None:
    model = MultiHead(kdim=6, vdim=4).eval()
    query, key, value = torch.randn(3, 8), torch.randn(5, 6), torch.randn(5, 4)
    with torch.no_grad(), regard.look(model) as seen:
        model(query, key, value)
        expected = model(query, key, value, average_attn_weights=False)[1]
    torch.testing.assert_close(seen["inner"].weights[0], expected)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("path", ["fast", "gradients", "training"])
def test_encoder_layers_on_every_path(norm_first: bool, padded: bool, path: str) -> None:
    torch.manual_seed(4)
    layer = nn.TransformerEncoderLayer(
        8, 2, 16, batch_first=True, norm_first=norm_first, activation="gelu", dropout=0.0
    )
    model = nn.TransformerEncoder(layer, 3, enable_nested_tensor=not norm_first).train(path == "training")
    x, padding = states(), PADDING if padded else None
    with torch.set_grad_enabled(path != "fast"):
        plain = model(x, src_key_padding_mask=padding)
        with regard.look(model) as seen:
            assert torch.equal(model(x, src_key_padding_mask=padding), plain)
    assert list(seen) == [f"layers.{number}.self_attn" for number in range(3)]
    assert all(one.error is not None and one.error < 1e-5 for one in seen.values())
    # The same layers, their attention asked for its weights.
    with torch.no_grad():
        for number, module in enumerate(model.layers):
            states_in = module.norm1(x) if norm_first else x
            expected = module.self_attn(
                states_in, states_in, states_in, key_padding_mask=padding, average_attn_weights=False
            )[1]
            real = torch.ones(2, 5, dtype=torch.bool) if padding is None else ~padding
            found = seen[f"layers.{number}.self_attn"].weights.transpose(1, 2)
            torch.testing.assert_close(found[real], expected.transpose(1, 2)[real])
            x = module(x, src_key_padding_mask=padding)
    with torch.set_grad_enabled(path != "fast"), regard.look(model, "layers.2*", queries=[1]) as seen:
        model(states(), src_key_padding_mask=padding)
    torch.testing.assert_close(seen["layers.2.self_attn"].weights[:, :, 0], found[:, 1])
    assert not left_behind(model)


def test_the_fast_path_is_the_one_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal bits above do not prove it, where both paths happen to give the same."""
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    taken = []
    fast = torch._transformer_encoder_layer_fwd
    monkeypatch.setattr(
        torch, "_transformer_encoder_layer_fwd", lambda *given: taken.append(1) or fast(*given)
    )
    with torch.no_grad(), regard.look(model):
        model(states())
    assert taken == [1]


def test_a_whole_transformer() -> None:
    model = nn.Transformer(8, 2, 1, 2, 16, batch_first=True).eval()
    source, target = states(2, 4), states(2, 3)
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    with torch.no_grad():
        plain = model(source, target, tgt_mask=mask, tgt_is_causal=True)
        with regard.look(model) as seen:
            assert torch.equal(model(source, target, tgt_mask=mask, tgt_is_causal=True), plain)
    assert {name: tuple(one.weights.shape[2:]) for name, one in seen.items()} == {
        "encoder.layers.0.self_attn": (4, 4),
        "decoder.layers.0.self_attn": (3, 3),
        "decoder.layers.0.multihead_attn": (3, 4),
        "decoder.layers.1.self_attn": (3, 3),
        "decoder.layers.1.multihead_attn": (3, 4),
    }
    assert (seen["decoder.layers.1.self_attn"].weights.triu(1) == 0).all()


def test_a_layer_of_ones_own_within_torchs_encoder() -> None:
    class Own(nn.TransformerEncoderLayer):
        def __init__(self) -> None:
            super().__init__(8, 2, batch_first=True)
            self.inside = Plain()

        def forward(self, src: Tensor, **_: Any) -> Tensor:  # type: ignore[override]
            return self.inside(src)  # type: ignore[no-any-return]

    model = nn.TransformerEncoder(Own(), 2).eval()
    with torch.no_grad(), regard.look(model) as seen:
        model(states())
    assert list(seen) == ["layers.0.inside", "layers.1.inside"]


def test_nothing_is_left_whatever_happens() -> None:
    model = nn.Sequential(Stack(), nn.TransformerEncoderLayer(8, 2, batch_first=True))
    with pytest.raises(RuntimeError), regard.look(model):
        model(torch.zeros(1, 2, 3))
    assert not left_behind(model)
    with pytest.raises(ZeroDivisionError), regard.look(model) as seen:
        1 / (model(states()).numel() * 0)
    assert len(seen) == 3
    assert not left_behind(model)
    with pytest.raises(ValueError, match="no attention matches"), regard.look(model, at="nowhere"):
        pass
    assert not left_behind(model)
    with pytest.raises(ValueError, match="heads 0 to 1; there is no head 7"), regard.look(model, heads=[7]):
        model(states())
    assert not left_behind(model)


def in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_model_in_another_thread_is_not_seen() -> None:
    model, inputs = Stack(), states()
    with regard.look(model) as seen:
        in_a_thread(lambda: [model(inputs), Stack()(inputs)])
        assert dict(seen) == {}
        model(inputs)
        Stack()(inputs)  # nor another model here
    assert [len(seen.runs(name)) for name in seen] == [1, 1]
    with pytest.raises(NothingSeenError, match="ran in another thread"), regard.look(model):
        in_a_thread(lambda: model(inputs))


class Wrong(TorchFunctionMode):
    """Another one's mode, by which attention gives what its weights do not."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        return output + 0.05 if func is F.scaled_dot_product_attention else output


@pytest.mark.parametrize("keep", ["weights", "summary"])
def test_what_does_not_agree_is_refused(keep: Any) -> None:
    model, inputs = Stack(), states()
    told = r"blocks\.0: weights × values differ .* in float32 up to 0\.001 is rounding.*refused"
    with Wrong(), pytest.raises(DisagreementError, match=told), regard.look(model, keep=keep) as seen:
        model(inputs)
    assert dict(seen) == {}


class Eager(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(x @ x.transpose(-2, -1), -1) @ x


def test_what_cannot_be_seen_is_told() -> None:
    told = r"no attention of this Eager was seen at '\*': .*a softmax of its own"
    model: nn.Module = Eager()
    with pytest.raises(NothingSeenError, match=told), regard.look(model):
        model(states())
    model = Stack()
    told = r"no attention ran at 'blocks\.\*\.q'; it ran at: blocks\.0, blocks\.1"
    with pytest.raises(NothingSeenError, match=told), regard.look(model, at="blocks.*.q"):
        model(states())
    with regard.look(model):
        pass  # nothing ran, nothing is missed
    told = r"matches 'block\.0'; nearest in this model: blocks\.0"
    with pytest.raises(ValueError, match=told), regard.look(model, at="block.0"):
        pass
    told = "there is no query 5; the longest run had 5 queries"
    with pytest.raises(ValueError, match=told), regard.look(model, queries=[5]):
        model(states())
    with pytest.raises(ValueError, match="there is no query -6"), regard.look(model, queries=[-6]):
        model(states())


def test_what_makes_no_sense_is_told_before_anything_runs() -> None:
    model = Stack()
    for message, options in {
        "positions, such as": {"queries": "some"},
        "whole numbers": {"queries": [0.5]},
        "is 'weights', 'summary' or 'gradients'": {"keep": "all"},
        "of all queries": {"keep": "summary", "queries": [0]},
        "one at least": {"keep": "summary", "top": 0},
        r"whole numbers, such as .* got 5": {"heads": 5},
        r"whole numbers, such as .* got 7": {"queries": 7},
        r"pattern of places .* got \[\]": {"at": []},
        r"pattern of places .* got \[3\]": {"at": [3]},
        "pattern of places .* got 3": {"at": 3},
        r"whole numbers, such as .* got tensor": {"heads": torch.tensor([0])},
        r"whole numbers, such as .* got array": {"queries": np.array([0, 1])},
    }.items():
        with pytest.raises(ValueError, match=message), regard.look(model, **options):  # type: ignore[arg-type]
            pass
    with regard.look(model) as seen:
        model(states())
    with pytest.raises(ValueError, match="keep='summary'"):
        seen["blocks.0"].summary  # noqa: B018
    with regard.look(model, keep="summary") as seen:
        model(states())
    with pytest.raises(ValueError, match="keep='weights'"):
        seen["blocks.0"].weights  # noqa: B018


def test_several_patterns() -> None:
    model = nn.ModuleDict({"a": Plain(), "b": Plain(), "c": Plain()})
    with regard.look(model, at=["c", "[ab]"], queries=[0]) as seen:
        for one in model.values():
            one(states())
    assert list(seen) == ["a", "b", "c"]
    with regard.look(model, at=["c", "a"]) as seen:
        for one in model.values():
            one(states())
    assert list(seen) == ["a", "c"]


class Simple(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(x, x, x).relu()


@pytest.mark.parametrize("how", ["wrapped", "in place", "outside"])
def test_compiled_models_are_told_and_run_as_they_were(how: str) -> None:
    from torch._dynamo.testing import CompileCounterWithBackend

    counter = CompileCounterWithBackend("aot_eager")
    model: nn.Module = Simple()
    if how == "in place":
        model.compile(backend=counter)
        run: Any = model
    else:
        run = torch.compile(model, backend=counter)
    given, told = model, "torch.compile outside of the model"
    if how != "outside":
        given, told = run, r"the model ran compiled.*look\(model\._orig_mod\)"
    inputs = states()
    plain = run(inputs)
    compiled = counter.frame_count
    assert compiled
    for _ in range(2):
        with pytest.raises(NothingSeenError, match=told), regard.look(given):
            assert torch.equal(run(inputs), plain)
    assert torch.equal(run(inputs), plain)
    assert counter.frame_count == compiled or how == "outside"  # else nothing was compiled again
    if how != "outside":
        whole = nn.Sequential(run)
        with pytest.raises(NothingSeenError, match="'0' ran compiled"), regard.look(whole):
            whole(inputs)
    assert _get_current_function_mode() is None
    if how == "wrapped":
        with regard.look(run._orig_mod) as seen:
            run._orig_mod(inputs)
        assert list(seen) == ["attention"]
    torch._dynamo.reset()


def test_a_dispatch_mode_is_told_of_the_model_only() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model = Stack()
    counts = []
    for looking in (False, True):
        with FlopCounterMode(display=False) as counter:
            if looking:
                with regard.look(model):
                    model(states())
            else:
                model(states())
        counts.append(counter.get_total_flops())
    assert counts[0] == counts[1]


def test_inference_mode_gives_weights_that_can_be_used() -> None:
    model = Stack()
    with torch.inference_mode(), regard.look(model) as seen:
        model(states())
    factor = torch.ones(1, requires_grad=True)
    weights = seen["blocks.0"].weights
    (weights * factor).sum().backward()  # an inference tensor would refuse
    assert factor.grad == pytest.approx(weights.sum().item())


PEAK = """
import resource, sys, torch, regard
from torch import nn
class Layer(nn.Module):
    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)
x = torch.randn(1, 3, 6144, 8)
model = Layer()
with torch.no_grad(), regard.look(model, keep="summary"):
    model(x[:, :, :64])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with torch.no_grad(), regard.look(model, **eval(sys.argv[1])) as seen:
    model(x)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("options", [{"keep": "summary"}, {"queries": [0, 77, -1]}])
def test_memory_is_of_the_keys_and_not_of_queries_times_keys(options: dict[str, Any]) -> None:
    told = subprocess.run(
        [sys.executable, "-c", PEAK, repr(options)], capture_output=True, text=True, check=True
    ).stdout
    assert int(told) * 1024 < 0.2 * 3 * 6144 * 6144 * 4  # a fifth of what all the weights take


def test_summaries_of_long_rows() -> None:
    query, key, value = torch.randn(3, 1, 1, 1500, 4, generator=torch.Generator().manual_seed(8)).unbind(0)

    class Call(nn.Module):
        def forward(self) -> Tensor:
            return F.scaled_dot_product_attention(query, key, value, is_causal=True)

    model = Call()
    with regard.look(model, keep="summary", top=3) as seen:
        model()
    wanted = written_out(query, key, None, 0.5, True)
    summary = seen["attention"].summary
    torch.testing.assert_close(summary.top_weights, wanted.sort(-1, descending=True).values[..., :3])
    torch.testing.assert_close(summary.entropy, -torch.xlogy(wanted, wanted).sum(-1), atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(summary.largest, wanted.amax(-1))
    assert (summary.top_keys[0, 0, 1].sort().values == torch.tensor([-1, 0, 1])).all()

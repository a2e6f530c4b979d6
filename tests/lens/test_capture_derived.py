"""Capture of modules that derive from torch's, and of torch's own in odd company: nested states, autocast."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import regard
from regard.lens import NothingSeenError

OWN_FORWARDS = nn.MultiheadAttention.forward, nn.TransformerEncoderLayer.forward
PADDING = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])


class Attends(nn.MultiheadAttention):
    """With a signature of its own, and torch's path without weights."""

    def __init__(self) -> None:
        super().__init__(8, 2, batch_first=True)

    def forward(self, x: Tensor, *_: Any, **options: Any) -> tuple[Tensor, Tensor | None]:  # type: ignore[override]
        return super().forward(x, x, x, **(options | {"need_weights": False}))


class Layer(nn.TransformerEncoderLayer):
    def forward(self, src: Tensor, *arguments: Any, **options: Any) -> Tensor:
        return super().forward(src * 1.0, *arguments, **options)


class Mixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.MultiheadAttention(8, 2, batch_first=True)
        self.derived = Attends()
        self.layer = Layer(8, 2, 16, batch_first=True, dropout=0.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.plain(x, x, x)[0]
        made: Tensor = self.layer(self.derived(x)[0])
        return made


def states(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def weights_of(module: nn.MultiheadAttention, x: Tensor, padding: Tensor | None = None) -> Tensor:
    """As torch itself gives them."""
    options = {"key_padding_mask": padding, "average_attn_weights": False}
    weights = nn.MultiheadAttention.forward(module, x, x, x, **options)[1]  # type: ignore[arg-type]
    assert weights is not None
    return weights.detach()


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_what_is_reached_by_super_is_seen_and_the_same_to_the_bit(gradients: bool, training: bool) -> None:
    torch.manual_seed(3)
    model, other, x = Mixed().train(training), Attends().train(training), states(2, 5, 8)
    with torch.set_grad_enabled(gradients):
        plain, of_another = model(x), other(x)[0]
        with regard.look(model) as seen, regard.look(model, "derived") as again:
            assert torch.equal(model(x), plain)
            torch.testing.assert_close(other(x)[0], of_another)  # of the same class, and not looked at
    assert (nn.MultiheadAttention.forward, nn.TransformerEncoderLayer.forward) == OWN_FORWARDS
    assert [(name, len(seen.runs(name))) for name in seen] == [
        ("plain", 1), ("derived", 1), ("layer.self_attn", 1),
    ]  # fmt: skip
    x = model.plain(x, x, x)[0]
    torch.testing.assert_close(seen["derived"].weights, weights_of(model.derived, x))
    torch.testing.assert_close(again["derived"].weights, seen["derived"].weights)
    x = model.derived(x)[0]
    torch.testing.assert_close(seen["layer.self_attn"].weights, weights_of(model.layer.self_attn, x))


def test_fast_paths_stay_open_behind_super(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    for name in ("_native_multi_head_attention", "_transformer_encoder_layer_fwd"):
        fast = getattr(torch, name)
        monkeypatch.setattr(torch, name, lambda *given, by=name, fast=fast: taken.append(by) or fast(*given))
    model = Mixed().eval()
    with torch.no_grad(), regard.look(model):
        model(states(2, 5, 8))
    assert taken == ["_native_multi_head_attention"] * 2 + ["_transformer_encoder_layer_fwd"]


@pytest.mark.parametrize("fast", [False, True])
def test_derived_attention_inside_of_torchs_encoder(fast: bool) -> None:
    """On its fast path, a layer never calls its attention, whoever wrote that."""
    torch.manual_seed(3)
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0), 2)
    for layer in model.layers:
        layer.self_attn = Attends()
    model.eval()
    x = states(2, 5, 8)
    with torch.set_grad_enabled(not fast):
        plain = model(x)
        with regard.look(model) as seen:
            assert torch.equal(model(x), plain)
    assert [(name, len(seen.runs(name))) for name in seen] == [
        ("layers.0.self_attn", 1), ("layers.1.self_attn", 1),
    ]  # fmt: skip
    torch.testing.assert_close(seen["layers.0.self_attn"].weights, weights_of(model.layers[0].self_attn, x))


class Own(nn.MultiheadAttention):
    """With attention of its own, and nothing of torch's but the parameters."""

    def forward(self, query: Tensor, *_: Any, **__: Any) -> tuple[Tensor, None]:
        parts = F.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        heads = [part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in parts]
        return self.out_proj(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)), None


class Encoder(nn.TransformerEncoder):
    def forward(self, src: Tensor, *arguments: Any, **options: Any) -> Tensor:
        src = src + F.scaled_dot_product_attention(src, src, src)
        return super().forward(src, *arguments, **options)


@pytest.mark.parametrize("fast", [False, True])
def test_what_derived_modules_do_themselves_is_seen_within_those_that_run_unwatched(fast: bool) -> None:
    torch.manual_seed(3)
    model = Encoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0), 2)
    model.layers[1].self_attn = Own(8, 2, batch_first=True)
    model.eval()
    x = states(2, 5, 8)
    with torch.set_grad_enabled(not fast):
        plain = model(x)
        with regard.look(model) as seen, regard.look(model) as again:
            assert torch.equal(model(x), plain)
        read = model.layers[0](x + F.scaled_dot_product_attention(x, x, x))
    assert [(name, len(seen.runs(name))) for name in seen] == [
        ("attention", 1), ("layers.0.self_attn", 1), ("layers.1.self_attn", 1),
    ]  # fmt: skip
    expected = weights_of(model.layers[1].self_attn, read)
    torch.testing.assert_close(seen["layers.1.self_attn"].weights, expected)
    assert sorted(again) == sorted(seen)


def test_derived_layers_on_the_encoders_nested_path() -> None:
    torch.manual_seed(3)
    model = nn.TransformerEncoder(Layer(8, 2, 16, batch_first=True), 2).eval()
    x = states(2, 5, 8)
    with torch.no_grad():
        plain = model(x, src_key_padding_mask=PADDING)
        with regard.look(model) as seen:
            assert torch.equal(model(x, src_key_padding_mask=PADDING), plain)
    assert not plain[PADDING].any()  # that path it was
    found = seen["layers.0.self_attn"].weights.transpose(1, 2)
    expected = weights_of(model.layers[0].self_attn, x, PADDING).transpose(1, 2)
    torch.testing.assert_close(found[~PADDING], expected[~PADDING])
    assert len(seen) == 2


def test_multi_head_attention_of_nested_states() -> None:
    torch.manual_seed(3)
    model = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = states(2, 5, 8)
    nested = torch.nested.nested_tensor([x[0], x[1, :3]])
    with torch.no_grad(), regard.look(model) as seen:
        model(nested, nested, nested, need_weights=False)
    found = seen["attention"]
    expected = weights_of(model, x, PADDING).transpose(1, 2)
    torch.testing.assert_close(found.weights.transpose(1, 2)[~PADDING], expected[~PADDING])
    assert not found.weights.transpose(1, 2)[PADDING].any()
    assert found.error is not None
    assert found.error < 1e-5


@pytest.mark.parametrize("norm_first", [False, True])
def test_layers_under_autocast(norm_first: bool) -> None:
    """From the second layer on, states are of another type than the parameters."""
    torch.manual_seed(3)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)
    model, x = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False).eval(), states(2, 5, 8)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        plain = model(x)
        with regard.look(model) as seen:
            assert torch.equal(model(x), plain)
    assert plain.dtype == torch.bfloat16
    assert [one.error is not None and one.error < 0.02 for one in seen.values()] == [True] * 3


def test_what_runs_under_vmap_is_told() -> None:
    model, x = nn.MultiheadAttention(8, 2).eval(), states(2, 5, 3, 8)
    mapped = torch.vmap(lambda x: model(x, x, x, need_weights=False)[0])
    with torch.no_grad():
        plain = mapped(x)
        with pytest.raises(NothingSeenError, match=r"ran under torch\.vmap"), regard.look(model):
            assert torch.equal(mapped(x), plain)
        with regard.look(model) as seen:
            mapped(x)
            model(x[0], x[0], x[0])
    assert seen["attention"].weights.shape == (3, 2, 5, 5)

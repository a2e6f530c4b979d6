"""Capture: the right weights, at the right names, and the model none the wiser."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from regard.attention import Attention, Causal, Global, Hard, Padding, ScaledDot, Soft, attend
from regard.lens import Tokens, attention_places, choose_places, look


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, scope: object = Global(), dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.attention = Attention(ScaledDot(), Soft(), scope=scope, dropout=dropout)  # type: ignore[arg-type]

    def split(self, states: Tensor) -> list[Tensor]:
        batch, length, _ = states.shape
        parts = self.project(states).view(batch, length, 3, self.heads, -1)
        return [part.transpose(1, 2) for part in parts.unbind(2)]

    def forward(self, states: Tensor, mask: Tensor | None = None) -> Tensor:
        query, key, value = self.split(states)
        scope = Global() if mask is None else Padding(mask)
        context = self.attention(query, key, value, scope=scope).context
        return states + context.transpose(1, 2).flatten(2)


class Block(nn.Module):
    def __init__(self, width: int, heads: int, **options: object) -> None:
        super().__init__()
        self.self_attention = Layer(width, heads, **options)  # type: ignore[arg-type]


class Encoder(nn.Module):
    """Two layers, with names as in our own models."""

    def __init__(self, width: int = 8, heads: int = 2, **options: object) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(width, heads, **options) for _ in range(2))

    def forward(self, states: Tensor, mask: Tensor | None = None) -> Tensor:
        for block in self.layers:
            states = block.self_attention(states, mask)
        return states


def states(batch: int = 2, length: int = 5) -> Tensor:
    return torch.randn(batch, length, 8, generator=torch.Generator().manual_seed(1))


def hooks_left(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def test_names_and_choice() -> None:
    model = nn.ModuleDict({"encoder": Encoder()})
    assert list(attention_places(model)) == ["encoder.0.self", "encoder.1.self"]
    assert choose_places(attention_places(model), ["*.1.*", "encoder.1.self"]) == ["encoder.1.self"]
    with pytest.raises(
        ValueError, match=r"no attention matches 'decoder\.\*'; this model has: encoder\.0\.self"
    ):
        choose_places(attention_places(model), "decoder.*")
    with pytest.raises(ValueError, match="has: none"), look(nn.Linear(1, 1), at="*.self"):
        pass
    with look(nn.Linear(1, 1)) as seen:
        assert dict(seen) == {}


def test_weights_are_those_of_the_model_at_chosen_heads_and_rows() -> None:
    model, inputs = Encoder(), states()
    query, key, value = model.layers[0].self_attention.split(inputs)  # type: ignore[union-attr, operator]
    expected = attend(query, key, value, rows="all", kernel="reference").weights
    assert expected is not None
    with look(model, at="0.self") as seen:
        model(inputs)
    assert list(seen) == ["0.self"]
    torch.testing.assert_close(seen["0.self"], expected)
    with look(model, at="0.self", heads=[1], rows=[4, 2]) as seen:
        model(inputs)
    torch.testing.assert_close(seen["0.self"], expected[:, 1:, [2, 4]])


@pytest.mark.parametrize("training", [False, True])
def test_outputs_gradients_and_random_numbers_are_the_same_to_the_bit(training: bool) -> None:
    model, inputs = Encoder(dropout=0.3, scope=Causal()).train(training), states()
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    results = []
    for looking in (False, True):
        torch.manual_seed(7)
        model.zero_grad()
        if looking:
            with look(model):
                output = model(inputs, mask)
        else:
            output = model(inputs, mask)
        output.square().sum().backward()
        gradients = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
        results.append([output.detach(), torch.rand(3), *gradients])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_a_drawn_key_is_the_one_that_is_shown() -> None:
    attention = Attention(ScaledDot(), Hard("reinforce")).train()
    query, value = torch.randn(1, 1, 6, 4), torch.eye(6)[None, None]
    with look(attention) as seen:
        context = attention(query, query, value).context
    torch.testing.assert_close(seen["attention"], context.detach())


def test_hooks_are_removed_whatever_happens() -> None:
    model = Encoder()
    with pytest.raises(RuntimeError), look(model):
        model(torch.zeros(1, 2, 3))
    assert hooks_left(model) == 0
    with pytest.raises(ZeroDivisionError), look(model):
        raise ZeroDivisionError
    assert hooks_left(model) == 0
    with pytest.raises(ValueError, match="no attention matches"), look(model, at="nowhere"):
        pass
    assert hooks_left(model) == 0


def test_a_run_that_failed_leaves_nothing_half_captured() -> None:
    model = Encoder()
    with look(model) as seen:
        with pytest.raises(ValueError, match="does not fit"):
            model(states(), torch.ones(2, 3, dtype=torch.bool))
        assert dict(seen) == {}
        model(states())
    assert len(seen) == 2


def test_steps_are_joined_along_queries() -> None:
    attention = Attention(ScaledDot(), Soft(), scope=Causal())
    model = nn.ModuleDict({"self_attention": attention})
    query = torch.randn(2, 3, 6, 4)
    whole = attend(query, query, query, scope=Causal(), rows="all").weights
    assert whole is not None
    with look(model) as seen:
        attention(query[:, :, :2], query[:, :, :2], query[:, :, :2])
        for step in range(2, 6):
            attention(query[:, :, step : step + 1], query[:, :, : step + 1], query[:, :, : step + 1])
    torch.testing.assert_close(seen["self"], whole)
    with look(model, rows=[1, 4]) as seen:
        for step in range(6):
            attention(query[:, :, step : step + 1], query[:, :, : step + 1], query[:, :, : step + 1])
    torch.testing.assert_close(seen["self"], whole[:, :, [1, 4]])


def test_the_last_of_several_runs_is_shown_and_all_are_kept() -> None:
    model = Encoder()
    with look(model) as seen:
        model(states(1, 1))
        model(states(1, 1))
        model(states(3, 4))
    assert [tuple(run.weights.shape) for run in seen.passes("0.self")] == [(1, 2, 1, 1)] * 2 + [(3, 2, 4, 4)]
    assert seen["0.self"].shape == (3, 2, 4, 4)
    with pytest.raises(KeyError, match="was not captured"):
        seen["1.cross"]


def test_a_map_has_the_padding_cut_off_and_names_of_its_rows() -> None:
    model, mask = Encoder(), torch.arange(5) < torch.tensor([[5], [3]])
    with look(model, rows=[0, 2, 4]) as seen:
        model(states(), mask)
    axis = Tokens.of("abc")
    found = seen.map("1.self", axis, axis, item=1)
    assert found.query_axis.texts == ("a", "c")
    assert found.weights.shape == (2, 2, 3)
    torch.testing.assert_close(found.weights.sum(-1), torch.ones(2, 2))
    with pytest.raises(ValueError, match="5 queries and 5 keys were captured"):
        seen.map("1.self", Tokens.of("abcdef"), axis)


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="or 'all'"), look(Encoder(), rows="some"):  # type: ignore[arg-type]
        pass
    model = Encoder()
    with look(model, heads=[2]), pytest.raises(ValueError, match="heads 0 to 1; there is no head 2"):
        model(states())

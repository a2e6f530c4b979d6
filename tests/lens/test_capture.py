"""Capture of Regard's own attention: the right weights, at the right names, and the model none the wiser."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import regard
from regard.attention import (
    Additive,
    Attention,
    Causal,
    Documents,
    Entmax15,
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
    Window,
    attend,
)
from regard.lens import Tokens, attention_places, choose_places, look

GLOBAL = Global()


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, scope: Scope = GLOBAL, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.attention = Attention(ScaledDot(), Soft(), scope=scope, dropout=dropout)

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


def test_names_and_choice() -> None:
    model = nn.ModuleDict({"encoder": Encoder()})
    assert list(attention_places(model)) == ["encoder.0.self", "encoder.1.self"]
    assert choose_places(attention_places(model), ["*.1.*", "encoder.1.self"]) == ["encoder.1.self"]
    with pytest.raises(
        ValueError, match=r"no attention matches 'decoder\.\*'; this model has: encoder\.0\.self"
    ):
        choose_places(attention_places(model), "decoder.*")


def test_weights_are_those_of_the_model_at_chosen_heads_and_queries() -> None:
    model, inputs = Encoder(), states()
    query, key, value = model.layers[0].self_attention.split(inputs)  # type: ignore[union-attr, operator]
    expected = attend(query, key, value, rows="all", kernel="reference").weights
    assert expected is not None
    with look(model, at="0.self") as seen:
        model(inputs)
    assert list(seen) == ["0.self"]
    torch.testing.assert_close(seen["0.self"].weights, expected.detach())
    with look(model, at="0.self", heads=[1, 0], queries=[4, 2]) as seen:
        model(inputs)
    assert (seen["0.self"].heads, seen["0.self"].queries) == ((1, 0), (2, 4))
    torch.testing.assert_close(seen["0.self"].weights, expected.detach()[:, [1, 0]][:, :, [2, 4]])
    with look(model, at="0.self", queries=[-1, -5]) as seen:
        model(inputs)
    torch.testing.assert_close(seen["0.self"].weights, expected.detach()[:, :, [0, 4]])


@pytest.mark.parametrize("training", [False, True])
def test_outputs_gradients_and_random_numbers_are_the_same_to_the_bit(training: bool) -> None:
    model, inputs = Encoder(dropout=0.3, scope=Causal()).train(training), states()
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    results = []
    for looking in (False, True):
        torch.manual_seed(7)
        model.zero_grad()
        if looking:
            with look(model) as seen:
                output = model(inputs, mask)
            # What was dropped by chance cannot be checked, and no figure pretends that it was.
            assert (seen["0.self"].error is None) == training
        else:
            output = model(inputs, mask)
        output.square().sum().backward()
        gradients = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
        results.append([output.detach(), torch.rand(3), *gradients])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


KINDS: list[tuple[Score, Selection, Scope]] = [
    (Additive(4, 4, 4), Soft(), Causal()),
    (ScaledDot(), Soft(), Window(1)),
    (ScaledDot(), Entmax15(), Global()),
    (ScaledDot(), Sigmoid(), LocalMonotonic(2)),
    (ScaledDot(), Soft(), LocalPredictive(4, 2)),
    (ScaledDot(), Soft(), Documents(torch.tensor([[0, 0, 0, 1, 1, 1]]), torch.tensor([[0, 1, 0, 1, 2, 1]]))),
    (ScaledDot(), Hard("reinforce"), Global()),
]


@pytest.mark.parametrize(("score", "selection", "scope"), KINDS)
def test_every_kind_is_seen_and_agrees_with_its_kernel(
    score: Score, selection: Selection, scope: Scope
) -> None:
    attention = Attention(score, selection, scope=scope).eval()
    query, key, value = torch.randn(3, 1, 2, 6, 4, generator=torch.Generator().manual_seed(3)).unbind(0)
    expected = attention(query, key, value, rows="all")
    with look(attention) as seen:
        context = attention(query, key, value).context
    assert torch.equal(context, expected.context)
    torch.testing.assert_close(seen["attention"].weights, expected.weights.detach())
    assert seen["attention"].error is not None
    assert seen["attention"].error < 1e-5
    with look(attention, queries=[0, 3, 4]) as seen:
        attention(query, key, value)
    torch.testing.assert_close(seen["attention"].weights, expected.weights.detach()[:, :, [0, 3, 4]])
    with look(attention, keep="summary") as seen:
        attention(query, key, value)
    torch.testing.assert_close(seen["attention"].summary.received, expected.weights.detach().sum(2))


def test_a_drawn_key_is_the_one_that_is_shown() -> None:
    attention = Attention(ScaledDot(), Hard("reinforce")).train()
    query, value = torch.randn(1, 1, 6, 4), torch.eye(6)[None, None]
    with look(attention) as seen:
        attended = attention(query, query, value)
    assert attended.weights is None
    assert seen["attention"].error == 0.0
    torch.testing.assert_close(seen["attention"].weights, attended.context.detach())


def test_a_run_that_failed_leaves_nothing_half_captured() -> None:
    model = Encoder()
    with look(model) as seen:
        with pytest.raises(ValueError, match="does not fit"):
            model(states(), torch.ones(2, 3, dtype=torch.bool))
        assert dict(seen) == {}
        model(states())
    assert len(seen) == 2


def steps_of(attention: nn.Module, query: Tensor, first: int) -> None:
    if first:
        attention(query[:, :, :first], query[:, :, :first], query[:, :, :first])
    for step in range(first, query.shape[2]):
        attention(query[:, :, step : step + 1], query[:, :, : step + 1], query[:, :, : step + 1])


def test_steps_are_joined_along_queries() -> None:
    attention = Attention(ScaledDot(), Soft(), scope=Causal())
    model = nn.ModuleDict({"self_attention": attention})
    query = torch.randn(2, 3, 6, 4)
    whole = attend(query, query, query, scope=Causal(), rows="all").weights
    assert whole is not None
    with look(model) as seen:
        steps_of(attention, query, 2)
    torch.testing.assert_close(seen["self"].weights, whole)
    for queries in ([1, 4], [-1, -3, 0], [-6]):
        for first in (0, 4):
            with look(model, queries=queries) as seen:
                steps_of(attention, query, first)
            rows = sorted(position % 6 for position in queries)
            assert seen["self"].queries == tuple(rows)
            torch.testing.assert_close(seen["self"].weights, whole[:, :, rows])
    with look(model, keep="summary") as seen:
        steps_of(attention, query, 2)
    torch.testing.assert_close(seen["self"].summary.received, whole.sum(2))
    places = torch.arange(6.0)
    distance = (whole * (places[:, None] - places).abs()).sum(-1)
    torch.testing.assert_close(seen["self"].summary.distance, distance)


def test_the_last_of_several_runs_is_shown_and_all_are_kept() -> None:
    model = Encoder()
    with look(model) as seen:
        model(states(1, 1))
        model(states(1, 1))
        model(states(3, 4))
    assert [tuple(run.weights.shape) for run in seen.runs("0.self")] == [(1, 2, 1, 1)] * 2 + [(3, 2, 4, 4)]
    assert seen["0.self"].weights.shape == (3, 2, 4, 4)
    with pytest.raises(KeyError, match="was not captured"):
        seen["1.cross"]


def test_a_map_has_the_padding_cut_off_and_names_of_its_rows() -> None:
    model, mask = Encoder(), torch.arange(5) < torch.tensor([[5], [3]])
    with look(model, queries=[0, 2, 4]) as seen:
        model(states(), mask)
    axis = Tokens.of("abc")
    found = seen["1.self"].map(axis, axis, item=1)
    assert found.query_axis.labels == ("a", "c")
    assert found.weights.shape == (2, 2, 3)
    torch.testing.assert_close(found.weights.sum(-1), torch.ones(2, 2))
    with pytest.raises(ValueError, match="5 queries and 5 keys were captured"):
        seen["1.self"].map(Tokens.of("abcdef"), axis)


def test_steps_of_a_translator_are_those_of_the_whole() -> None:
    """A decoder that runs step by step, by its caches, sees what it sees when it reads the whole at once."""
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = states(1, 6)
    mask = torch.ones(6, 6, dtype=torch.bool).triu(1)
    with torch.no_grad(), regard.look(attention) as whole:
        attention(x, x, x, attn_mask=mask)
    with torch.no_grad(), regard.look(nn.ModuleDict({"a": attention})) as stepped:
        for step in range(6):
            attention(x[:, step : step + 1], x[:, : step + 1], x[:, : step + 1])
    torch.testing.assert_close(stepped["a"].weights, whole["attention"].weights)

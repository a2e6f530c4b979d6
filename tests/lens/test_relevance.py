"""Rollout, flow, gradient × attention and generic relevance, against other ways to compute them."""

from __future__ import annotations

import networkx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from regard.lens.relevance import Step, flow, gradient_attention, joined, relevance, rollout


def attention(*shape: int, seed: int = 0, sparse: bool = False) -> Tensor:
    scores = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if sparse:  # every row keeps some keys, and ties are not rare
        scores = scores.round().masked_fill(scores < scores.amax(-1, keepdim=True) - 1, -torch.inf)
    return scores.softmax(-1)


def flow_of_networkx(layers: list[Tensor], residual: float) -> Tensor:
    graph, size = networkx.DiGraph(), layers[0].shape[-1]
    for level, weights in enumerate(layers):
        mixed = residual * torch.eye(size).double() + (1 - residual) * weights.mean(0)
        for above in range(size):
            for below in range(size):
                graph.add_edge((level + 1, above), (level, below), capacity=float(mixed[above, below]))
    found = torch.tensor(
        [
            [networkx.maximum_flow_value(graph, (len(layers), above), (0, below)) for below in range(size)]
            for above in range(size)
        ],
        dtype=torch.float64,
    )
    return found / found.sum(-1, keepdim=True)


@settings(max_examples=25)
@given(
    size=st.integers(1, 5),
    layers=st.integers(1, 4),
    residual=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    seed=st.integers(0, 1000),
    sparse=st.booleans(),
)
def test_flow_is_the_maximum_flow(size: int, layers: int, residual: float, seed: int, sparse: bool) -> None:
    stack = [attention(2, size, size, seed=seed + layer, sparse=sparse) for layer in range(layers)]
    found = flow(stack, residual=residual)
    torch.testing.assert_close(found.sum(-1), torch.ones(size, dtype=torch.float64))
    torch.testing.assert_close(found, flow_of_networkx(stack, residual), rtol=1e-9, atol=1e-9)


def test_flow_has_to_turn_back() -> None:
    # The shortest way alone is not enough: what was sent down must be taken up again and sent elsewhere.
    layers = [attention(1, 6, 6, seed=seed, sparse=True) for seed in range(6)]
    torch.testing.assert_close(
        flow(layers, residual=0.1), flow_of_networkx(layers, 0.1), atol=1e-9, rtol=1e-9
    )


def test_flow_of_some_queries_and_one_layer() -> None:
    layers = [attention(3, 7, 7, seed=seed) for seed in range(3)]
    torch.testing.assert_close(flow(layers, queries=[6, 0]), flow(layers)[[6, 0]])
    mixed = 0.5 * torch.eye(7) + 0.5 * layers[0].mean(0)
    torch.testing.assert_close(flow(layers[:1]), mixed)
    with pytest.raises(ValueError, match="a flow takes one layer"):
        flow([])


def test_flow_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    flow([attention(1, 4, 4)] * 2, queries=[1, 3], each=lambda done, of: told.append((done, of)))
    assert told == [(0, 8), (4, 8)]


def encoder_decoder(batch: int = 0) -> list[Step]:
    def gradient(*shape: int, seed: int) -> Tensor:
        front = (batch,) if batch else ()
        return torch.randn(*front, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    steps = []
    for layer in range(2):
        steps.append(
            Step("source", "source", attention(2, 5, 5, seed=layer), gradient(2, 5, 5, seed=9 + layer))
        )
    for layer in range(2):
        own = attention(2, 3, 3, seed=20 + layer).tril()
        own = own / own.sum(-1, keepdim=True)
        steps.append(Step("target", "target", own, gradient(2, 3, 3, seed=30 + layer)))
        steps.append(
            Step("target", "source", attention(2, 3, 5, seed=40 + layer), gradient(2, 3, 5, seed=50 + layer))
        )
    return steps


def test_rollout_of_an_encoder_and_a_decoder() -> None:
    steps = encoder_decoder()
    whole = rollout(joined(steps))
    torch.testing.assert_close(whole.sum(-1), torch.ones(8, dtype=torch.float64))
    # The same, carried along by hand: what each state is made of, of target and source.
    mixed = [(0.5 * torch.eye(5) + 0.5 * step.weights.mean(0)) for step in steps[:2]]
    source = mixed[1] @ mixed[0]
    made = torch.eye(3, dtype=torch.float64)
    read = torch.zeros(3, 5, dtype=torch.float64)
    for own, across in ((steps[2], steps[3]), (steps[4], steps[5])):
        within = 0.5 * torch.eye(3) + 0.5 * own.weights.mean(0)
        made, read = within @ made, within @ read
        made, read = 0.5 * made, 0.5 * read + 0.5 * across.weights.mean(0) @ source
    torch.testing.assert_close(whole[:3, :3], made)
    torch.testing.assert_close(whole[:3, 3:], read)
    torch.testing.assert_close(whole[3:, 3:], source)
    flowing = flow(joined(steps), queries=[0, 2])
    torch.testing.assert_close(flowing.sum(-1), torch.ones(2, dtype=torch.float64))
    assert flowing[0, 1:3].abs().max() == 0  # no token looks ahead


def generic_by_hand(steps: list[Step]) -> tuple[Tensor, Tensor]:
    """Chefer et al. 2021, equations 5 to 10, an entry at a time."""
    target, source = 3, 5
    own = {"target": torch.eye(target).double(), "source": torch.eye(source).double()}
    across = torch.zeros(target, source).double()
    for step in steps:
        assert step.gradient is not None
        heads, rows, columns = step.weights.shape
        gained = torch.zeros(rows, columns).double()
        for head in range(heads):
            for row in range(rows):
                for column in range(columns):
                    product = float(step.weights[head, row, column] * step.gradient[head, row, column])
                    gained[row, column] += max(product, 0.0) / heads
        if step.across:
            bars = {}
            for side, known in own.items():
                hat = known - torch.eye(len(known))
                rows_of = [row / row.sum() if row.sum() > 0 else row for row in hat]
                bars[side] = torch.stack(rows_of) + torch.eye(len(known))
            across = across + bars["target"].T @ gained @ bars["source"]
        elif step.looks == "target":
            own["target"], across = own["target"] + gained @ own["target"], across + gained @ across
        else:
            own["source"] = own["source"] + gained @ own["source"]
    return own["target"], across


def test_generic_relevance_is_that_of_the_paper() -> None:
    steps = encoder_decoder()
    within, across = generic_by_hand(steps)
    found = relevance(steps)
    assert found.across is not None
    torch.testing.assert_close(found.within, within)
    torch.testing.assert_close(found.across, across)


def test_generic_relevance_of_a_batch_is_that_of_each() -> None:
    steps = encoder_decoder(batch=4)
    found = relevance(steps)
    assert found.across is not None
    for item in range(4):
        of_one = [
            Step(step.looks, step.at, step.weights, None if step.gradient is None else step.gradient[item])
            for step in steps
        ]
        within, across = generic_by_hand(of_one)
        torch.testing.assert_close(found.within[item], within)
        torch.testing.assert_close(found.across[item], across)


def test_gradient_attention_takes_what_speaks_for_the_answer() -> None:
    weights = torch.tensor([[[0.5, 0.5]], [[0.25, 0.75]]])
    gradient = torch.tensor([[[1.0, -1.0]], [[-4.0, 2.0]]])
    torch.testing.assert_close(gradient_attention(weights, gradient), torch.tensor([[0.25, 0.75]]))


def test_what_makes_no_sense_is_refused() -> None:
    weights = attention(1, 2, 3)
    with pytest.raises(ValueError, match="a source does not look"):
        Step("source", "target", weights)
    with pytest.raises(ValueError, match="is not by weights"):
        Step("target", "source", weights, weights[:, :1])
    with pytest.raises(ValueError, match="keep='gradients'"):
        relevance([Step("target", "source", weights)])
    with pytest.raises(ValueError, match="one attention at least"):
        relevance([])
    with pytest.raises(ValueError, match="states of the target"):
        relevance([Step("source", "source", attention(1, 2, 2), attention(1, 2, 2))])
    with pytest.raises(ValueError, match="one source and one target"):
        joined([Step("target", "source", weights), Step("target", "target", attention(1, 3, 3))])

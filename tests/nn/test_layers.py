import pytest
import torch

from regard.attention import AttentionConfig
from regard.nn.embedding import Embedding
from regard.nn.feed_forward import FeedForward
from regard.nn.linear import linear
from regard.nn.multi_head import CrossAttention, Heads, SelfAttention
from regard.nn.positions import Sinusoidal
from regard.nn.recurrent import cell_named, recurrent
from regard.nn.residual import Residual


def test_embedding_is_scaled_and_knows_where_it_stands():
    embedding = Embedding(10, 16, pad=0, positions=Sinusoidal(16, 8)).eval()
    tokens = torch.tensor([[3, 4, 5]])
    expected = embedding.weight[tokens] * 4 + embedding.positions.table[2:5]
    torch.testing.assert_close(embedding(tokens, first=2), expected)


def test_embedding_starts_with_unit_variance():
    torch.manual_seed(0)
    embedding = Embedding(2000, 64, pad=0, positions=None)
    assert embedding(torch.arange(1, 2000)[None]).std().item() == pytest.approx(1.0, abs=0.02)


def test_padding_gets_no_gradient():
    embedding = Embedding(10, 4, pad=0, positions=None)
    embedding(torch.tensor([[1, 0]])).sum().backward()
    assert (embedding.weight.grad[0] == 0).all()
    assert (embedding.weight.grad[1] != 0).all()


def test_padding_shared_with_an_output_layer_gets_the_outputs_gradient():
    embedding = Embedding(10, 4, pad=0, positions=None)
    assert (embedding.weight[0] == 0).all()
    (embedding(torch.tensor([[1, 0]])) @ embedding.weight.t()).sum().backward()
    assert (embedding.weight.grad[0] != 0).any()


def test_embedding_is_half_as_wide_under_autocast():
    embedding = Embedding(10, 4, pad=0, positions=Sinusoidal(4, 8))
    with torch.autocast("cpu", torch.bfloat16):
        assert embedding(torch.tensor([[1]])).dtype == torch.bfloat16


@pytest.mark.parametrize("place", ["pre", "post"])
def test_residual(place):
    torch.manual_seed(0)
    residual, x, change = Residual(4, place), torch.randn(2, 4), torch.randn(2, 4)
    norm = residual.norm
    entered, left = (norm(x), x + change) if place == "pre" else (x, norm(x + change))
    torch.testing.assert_close(residual.enter(x), entered)
    torch.testing.assert_close(residual.leave(x, change), left)


def test_feed_forward_drops_inside():
    torch.manual_seed(0)
    layer = FeedForward(4, 400, "relu", dropout=0.5)
    x = torch.randn(3, 4)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))


def test_linear_starts_within_xaviers_bound():
    layer = linear(30, 10)
    assert 0.3 < layer.weight.abs().max().item() <= (6 / 40) ** 0.5


@pytest.mark.parametrize(
    ("heads", "why"), [(Heads(10, 4, 4), "4 heads"), (Heads(8, 4, 3), "3 key and value heads")]
)
@pytest.mark.parametrize("layer", [SelfAttention, CrossAttention])
def test_heads_that_do_not_fit(heads, why, layer):
    with pytest.raises(ValueError, match=why):
        layer(heads, AttentionConfig())


@pytest.mark.parametrize("heads", [Heads(8, 4, 4), Heads(8, 4, 2), Heads(8, 2, 1)])
def test_grouped_heads_are_repeated_heads(heads):
    """Fewer key and value heads compute what all heads with repeated weights do."""
    torch.manual_seed(0)
    grouped = SelfAttention(heads, AttentionConfig(), causal=True)
    full = SelfAttention(Heads(8, heads.count, heads.count), AttentionConfig(), causal=True)
    rows = torch.arange(8 + 2 * heads.shared * heads.dim)
    own = rows[8:].view(2, heads.shared, heads.dim).repeat_interleave(heads.count // heads.shared, 1)
    order = torch.cat([rows[:8], own.flatten()])
    full.load_state_dict(
        {
            name: value[order] if "projection" in name else value
            for name, value in grouped.state_dict().items()
        }
    )
    x = torch.randn(2, 5, 8)
    torch.testing.assert_close(grouped(x).states, full(x).states)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_recurrent_start(cell):
    network = recurrent(cell, 4, 6, 2, bidirectional=True)
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    for weight in network.weight_hh_l1_reverse.view(gates, 6, 6):
        torch.testing.assert_close(weight @ weight.t(), torch.eye(6), atol=1e-5, rtol=0)
    forget = network.bias_ih_l0.view(gates, 6)
    expected = torch.zeros(gates, 6)
    if cell == "lstm":
        expected[1] = 1.0
    assert torch.equal(forget, expected)


def test_no_such_cell():
    with pytest.raises(ValueError, match="'sru' is no recurrent cell; there are rnn, lstm, gru"):
        cell_named("sru")

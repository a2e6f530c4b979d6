"""The same weights give the same outputs as PyTorch's own layers."""

import pytest
import torch
from sample_models import small
from torch import nn

from regard.models.text.memory import Memory
from regard.models.text.recurrent_encoder import RecurrentEncoder
from regard.models.text.transformer import Layer, TransformerDecoder, TransformerEncoder
from regard.nn.recurrent import recurrent, steppers

MASK = torch.tensor([[True] * 7, [True] * 5 + [False] * 2, [True] * 2 + [False] * 5])


def copy_layer(theirs: nn.Module, ours: Layer) -> None:
    """PyTorch's layer into ours."""
    pairs = [(theirs.linear1, ours.feed_forward.inner), (theirs.linear2, ours.feed_forward.outer)]
    pairs.append((theirs.self_attn.out_proj, ours.self_attention.output))
    pairs.append((theirs.norm1, ours.self_residual.norm))
    fused = theirs.self_attn
    last = theirs.norm2
    ours.self_attention.projection.load_state_dict(
        {"weight": fused.in_proj_weight, "bias": fused.in_proj_bias}
    )
    if ours.cross_attention is not None:
        fused, last, width = theirs.multihead_attn, theirs.norm3, ours.cross_attention.heads.width
        pairs.append((fused.out_proj, ours.cross_attention.output))
        pairs.append((theirs.norm2, ours.cross_residual.norm))
        for part, rows in (("query", slice(0, width)), ("memory", slice(width, None))):
            state = {"weight": fused.in_proj_weight[rows], "bias": fused.in_proj_bias[rows]}
            getattr(ours.cross_attention, part).load_state_dict(state)
    pairs.append((last, ours.feed_forward_residual.norm))
    for source, target in pairs:
        target.load_state_dict(source.state_dict())


def shaken(module: nn.Module) -> nn.Module:
    """Norms and biases off their neutral start, so that a forgotten one shows."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return module.eval()


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
class TestTransformer:
    def test_encoder(self, norm, activation):
        torch.manual_seed(3)
        layer = nn.TransformerEncoderLayer(
            16, 2, 64, activation=activation, batch_first=True, norm_first=norm == "pre"
        )
        final = nn.LayerNorm(16) if norm == "pre" else None
        theirs = shaken(nn.TransformerEncoder(layer, 2, final, enable_nested_tensor=False))
        ours = TransformerEncoder(small(norm=norm, activation=activation)).eval()
        for a, b in zip(theirs.layers, ours.layers, strict=True):
            copy_layer(a, b)
        if final is not None:
            ours.norm.load_state_dict(theirs.norm.state_dict())
        x = torch.randn(3, 7, 16, requires_grad=True)
        expected = theirs(x, src_key_padding_mask=~MASK)[MASK]
        states = ours(x, MASK).states[MASK]
        torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-5)
        gradients = [torch.autograd.grad(out.square().sum(), x)[0] for out in (expected, states)]
        torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-4)

    def test_decoder(self, norm, activation):
        torch.manual_seed(4)
        layer = nn.TransformerDecoderLayer(
            16, 2, 64, activation=activation, batch_first=True, norm_first=norm == "pre"
        )
        final = nn.LayerNorm(16) if norm == "pre" else None
        theirs = shaken(nn.TransformerDecoder(layer, 2, final))
        ours = TransformerDecoder(small(norm=norm, activation=activation), cross=True).eval()
        for a, b in zip(theirs.layers, ours.layers, strict=True):
            copy_layer(a, b)
        if final is not None:
            ours.norm.load_state_dict(theirs.norm.state_dict())
        x, memory = torch.randn(3, 6, 16), torch.randn(3, 7, 16)
        ahead = nn.Transformer.generate_square_subsequent_mask(6)
        expected = theirs(x, memory, tgt_mask=ahead, tgt_is_causal=True, memory_key_padding_mask=~MASK)
        states = ours(x, Memory(memory, MASK)).states
        torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-5)


THEIRS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@pytest.mark.parametrize("cell", THEIRS)
class TestRecurrent:
    @pytest.mark.parametrize("bidirectional", [True, False])
    def test_encoder(self, cell, bidirectional):
        """Each sentence on its own through PyTorch's layers is what the padded batch gives."""
        torch.manual_seed(5)
        width = 8 if bidirectional else 16
        theirs = shaken(THEIRS[cell](16, width, 2, batch_first=True, bidirectional=bidirectional))
        ours = RecurrentEncoder(small(encoder=cell, bidirectional=bidirectional)).eval()
        ours.network.load_state_dict(theirs.state_dict())
        x = torch.randn(3, 7, 16)
        memory = ours(x, MASK)
        for row, length in enumerate(MASK.sum(1).tolist()):
            states, last = theirs(x[row : row + 1, :length])
            torch.testing.assert_close(memory.states[row, :length], states[0], atol=1e-5, rtol=1e-5)
            last = last if isinstance(last, tuple) else (last,)
            final = torch.cat([part[:, 0].reshape(2, 16) for part in last])
            torch.testing.assert_close(memory.final[:, row], final, atol=1e-5, rtol=1e-5)

    @pytest.mark.parametrize("ahead", [16, 10])
    def test_steps(self, cell, ahead):
        """Stepping, with all or some of the inputs known ahead, is what PyTorch's layers give at once."""
        torch.manual_seed(6)
        network = shaken(recurrent(cell, 16, 12, 2))
        x, zero = torch.randn(3, 5, 16), torch.zeros(3, 12)
        first, second = steppers(network, ahead, torch.float32)
        states = [(zero, zero) if cell == "lstm" else (zero,)] * 2
        gates, tops = first.look_ahead(x[..., :ahead]), []
        for step in range(5):
            rest = None if ahead == 16 else x[:, step, ahead:]
            states[0] = first(gates[step], rest, states[0])
            states[1] = second(second.bias, states[0][0], states[1])
            tops.append(states[1][0])
        torch.testing.assert_close(torch.stack(tops, 1), network(x)[0], atol=1e-5, rtol=1e-5)

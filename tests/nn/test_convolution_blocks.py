"""Convolutions, up-sampling, instance norm, gates: what U-Nets are made of."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from regard.nn.attention_gate import AttentionGate
from regard.nn.convolution import Convolution, lay_out_weights
from regard.nn.grid_sinusoids import grid_sinusoids
from regard.nn.instance_norm import InstanceNorm
from regard.nn.positions import Sinusoidal
from regard.nn.up_sampling import Interpolated, Transposed

WIDE = torch.float64
CHANNELS_LAST = torch.channels_last


def stirred(module):
    """In float64, away from the parameters and statistics at which things agree by chance."""
    module = module.to(WIDE)
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point():
                tensor.normal_(std=0.3)
                if name.endswith("running_var") or name.endswith("norm.weight"):
                    tensor.abs_().add_(0.5)
    return module


@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size", [3, 9])  # a scale that is folded into weights, or not, by size
def test_two_maps_are_convolved_as_if_side_by_side(norm, training, size):
    torch.manual_seed(0)
    two = stirred(Convolution(4, 32, norm, beside=3)).train(training)
    one = Convolution(7, 32, norm).to(WIDE).train(training)
    state = two.state_dict()
    state["weight"] = torch.cat([state["weight"], state.pop("beside_weight")], 1)
    one.load_state_dict(state)
    x, beside = (torch.randn(2, c, size, size, dtype=WIDE, requires_grad=True) for c in (4, 3))
    given_, wanted = two(x, beside), one(torch.cat([x, beside], 1))
    torch.testing.assert_close(given_, wanted)
    direction = torch.randn_like(wanted)
    for ours, theirs in zip(
        torch.autograd.grad(given_, (x, beside), direction),
        torch.autograd.grad(wanted, (x, beside), direction),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("layer", [Transposed(4, 2), InstanceNorm(4)])
def test_of_no_images_there_are_none(layer):
    x = torch.zeros(0, 4, 3, 5, requires_grad=True)
    made = layer(x)
    assert made.shape == ((0, 2, 6, 10) if isinstance(layer, Transposed) else x.shape)
    made.sum().backward()
    assert (layer.weight.grad == 0).all()


@pytest.mark.parametrize("size", [3, 9])
def test_a_batch_norm_that_has_learned_is_folded_and_gives_the_same(size):
    torch.manual_seed(0)
    convolution = stirred(Convolution(4, 8, "batch", beside=3)).eval()
    x, beside = torch.randn(1, 4, size, size, dtype=WIDE), torch.randn(1, 3, size, size, dtype=WIDE)
    plain = F.conv2d(
        torch.cat([x, beside], 1), torch.cat([convolution.weight, convolution.beside_weight], 1), padding=1
    )
    torch.testing.assert_close(convolution(x, beside), F.relu(convolution.norm(plain)))


def test_a_batch_of_one_position_is_normalised_by_what_was_learned():
    torch.manual_seed(0)
    convolution = stirred(Convolution(4, 8, "batch")).train()
    learned = {name: tensor.clone() for name, tensor in convolution.norm.state_dict().items()}
    x = torch.randn(1, 4, 1, 1, dtype=WIDE, requires_grad=True)
    found = convolution(x)
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert gradient.any()
    for name, tensor in convolution.norm.state_dict().items():
        assert torch.equal(tensor, learned[name])
    torch.testing.assert_close(found, convolution.eval()(x))


def test_a_map_left_out_is_a_map_of_zeros():
    torch.manual_seed(0)
    convolution = stirred(Convolution(4, 8, "batch", beside=3)).eval()
    x = torch.randn(1, 4, 5, 6, dtype=WIDE)
    torch.testing.assert_close(convolution(x), convolution(x, torch.zeros(1, 3, 5, 6, dtype=WIDE)))
    with pytest.raises(ValueError, match="beside=… channels"):
        Convolution(4, 8)(torch.zeros(1, 4, 5, 5), torch.zeros(1, 3, 5, 5))


def test_weights_keep_the_size_of_what_passes():
    torch.manual_seed(0)
    x = torch.randn(2, 64, 32, 32)
    power = x.square().mean()
    for _ in range(6):
        x = Convolution(64, 64, "none")(x)
    assert 0.4 < x.square().mean() / power < 2.5


@settings(max_examples=20, deadline=None)
@given(batch=st.integers(1, 3), rows=st.integers(1, 9), columns=st.integers(1, 9), last=st.booleans())
def test_instance_norm_is_its_definition(batch, rows, columns, last):
    torch.manual_seed(batch * 100 + rows * 10 + columns)
    norm = stirred(InstanceNorm(3))
    images = torch.randn(batch, 3, rows, columns, dtype=WIDE)
    if last:
        images = images.contiguous(memory_format=CHANNELS_LAST)
    images.requires_grad_()
    mean = images.mean((2, 3), keepdim=True)
    variance = (images - mean).square().mean((2, 3), keepdim=True)
    wanted = (images - mean) / (variance + norm.epsilon).sqrt() * norm.weight[:, None, None]
    wanted = wanted + norm.bias[:, None, None]
    given_ = norm(images)
    torch.testing.assert_close(given_, wanted)
    direction = torch.randn_like(wanted)
    ours, theirs = (torch.autograd.grad(y, images, direction)[0] for y in (given_, wanted))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, CHANNELS_LAST])
def test_transposed_is_torchs_transposed_convolution(memory_format):
    torch.manual_seed(0)
    layer = stirred(Transposed(6, 4))
    x = torch.randn(2, 6, 3, 5, dtype=WIDE).contiguous(memory_format=memory_format).requires_grad_()
    theirs = layer.weight.permute(3, 2, 0, 1)
    wanted = F.conv_transpose2d(x, theirs, layer.bias, stride=2)
    given_ = layer(x)
    torch.testing.assert_close(given_, wanted)
    assert given_.is_contiguous(memory_format=CHANNELS_LAST)
    direction = torch.randn_like(wanted)
    leaves = (x, layer.weight, layer.bias)
    for one, other in zip(
        torch.autograd.grad(given_, leaves, direction),
        torch.autograd.grad(wanted, leaves, direction),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_convolution_and_interpolation_may_change_places(mode):
    torch.manual_seed(0)
    layer = stirred(Interpolated(6, 4, mode))
    x = torch.randn(2, 6, 3, 5, dtype=WIDE)
    large = F.interpolate(x, scale_factor=2, mode=mode)
    torch.testing.assert_close(layer(x), F.conv2d(large, layer.weight[..., None, None], layer.bias))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, CHANNELS_LAST])
def test_a_gate_weighs_each_position_by_itself(memory_format):
    torch.manual_seed(0)
    gate = stirred(AttentionGate(6))
    skip, gating = (torch.randn(2, 6, 4, 5, dtype=WIDE).contiguous(memory_format=memory_format) for _ in "ab")
    score = gate.attention.score
    hidden = torch.einsum("bcyx,ch->byxh", gating, score.query_weight[0])
    hidden = hidden + torch.einsum("bcyx,ch->byxh", skip, score.key_weight[0]) + score.bias[0]
    weight = torch.sigmoid(torch.tanh(hidden) @ score.vector[0] + 2.0)
    torch.testing.assert_close(gate(skip, gating), skip * weight[:, None])


def test_gradients_of_a_gate():
    torch.manual_seed(0)
    gate = stirred(AttentionGate(4))
    inputs = [torch.randn(2, 4, 2, 3, dtype=WIDE, requires_grad=True) for _ in "ab"]
    assert torch.autograd.gradcheck(lambda s, g, *_: gate(s, g), (*inputs, *gate.parameters()))


def test_grid_sinusoids_tell_rows_and_columns():
    table, line = grid_sinusoids(3, 5, 8).unflatten(0, (3, 5)), Sinusoidal(4, 5).table
    for row in range(3):
        for column in range(5):
            torch.testing.assert_close(table[row, column], torch.cat([line[row], line[column]]))
    with pytest.raises(ValueError, match="by fours"):
        grid_sinusoids(2, 2, 6)


@pytest.mark.parametrize("training", [True, False])
def test_weights_laid_out_for_inference_compute_the_same(training):
    torch.manual_seed(0)
    network = torch.nn.Sequential(Convolution(3, 16), Convolution(16, 4, beside=2)).double().train(training)
    images, beside = torch.rand(2, 3, 9, 7).double(), torch.rand(2, 2, 9, 7).double()

    def run():
        return network[1](network[0](images), beside)

    expected = run()
    saved = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    lay_out_weights(network)
    for part in network:
        assert part.weight.is_contiguous(memory_format=torch.channels_last)
    assert network[1].beside_weight.is_contiguous(memory_format=torch.channels_last)
    network.load_state_dict(saved)
    torch.testing.assert_close(run(), expected)


def test_a_gate_takes_a_signal_of_the_same_grid():
    with pytest.raises(ValueError, match=r"was given \[2, 4, 5, 3\]"):
        AttentionGate(4)(torch.randn(2, 4, 3, 5), torch.randn(2, 4, 5, 3))

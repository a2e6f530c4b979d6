"""The U-Net: any size, skips that can be switched off, gates and a bottleneck that can be looked at."""

import re

import pydantic
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import regard
from regard.lens.gates import gate_maps
from regard.models.images import UNet, UNetConfig
from regard.nn.attention_gate import AttentionGate
from regard.nn.convolution import Convolution

WIDE = torch.float64


def small(outputs=2, channels=1, seed=0, **dials):
    torch.manual_seed(seed)
    config = UNetConfig(**{"width": 4, "depth": 2, "heads": 2, **dials})
    return UNet(config, channels, outputs, mean=[0.4] * channels, std=[0.3] * channels)


@st.composite
def configs(draw):
    pick = lambda *values: draw(st.sampled_from(values))  # noqa: E731
    skips = pick("all", "none", (0,), (1,), (1, 0))
    return {
        "norm": pick("batch", "instance", "group", "none"),
        "up_sampling": pick("transposed", "bilinear", "nearest"),
        "skips": skips,
        "attention_gates": skips != "none" and pick(True, False),
        "bottleneck_attention": pick(0, 1),
        "residual": pick(True, False),
    }


@settings(max_examples=40, deadline=None)
@given(dials=configs(), rows=st.integers(1, 21), columns=st.integers(1, 21), channels=st.integers(1, 3))
def test_any_size_goes_in_and_comes_out(dials, rows, columns, channels):
    network = small(outputs=channels, channels=channels, **dials).to(WIDE)
    images = torch.rand(2, channels, rows, columns, dtype=WIDE, requires_grad=True)
    network(images).sum().backward()
    result = network.eval()(images)
    assert result.shape == images.shape
    assert torch.isfinite(result).all()
    assert torch.isfinite(images.grad).all()


@pytest.mark.parametrize(
    ("size", "mode"), [((13, 10), "reflect"), ((8, 9), "reflect"), ((1, 7), "replicate")]
)
def test_sizes_between_are_mirrored_and_cut_back(size, mode):
    network = small(dropout=0.0).to(WIDE).eval()
    images = torch.rand(1, 1, *size, dtype=WIDE)
    missing = [-length % 4 for length in size]
    margins = (missing[1] // 2, missing[1] - missing[1] // 2, missing[0] // 2, missing[0] - missing[0] // 2)
    whole = network(F.pad(images, margins, mode=mode))
    cut = whole[..., margins[2] : margins[2] + size[0], margins[0] : margins[0] + size[1]]
    torch.testing.assert_close(network(images), cut)


def test_a_skip_switched_off_carries_zeros():
    network = small(depth=3).to(WIDE).eval()
    images = torch.rand(2, 1, 16, 16, dtype=WIDE)
    encoded = network.encode(images)
    assert {level: tuple(skip.shape) for level, skip in encoded.skips.items()} == {
        0: (2, 4, 16, 16),
        1: (2, 8, 8, 8),
        2: (2, 16, 4, 4),
    }
    assert encoded.latent.shape == (2, 32, 2, 2)
    torch.testing.assert_close(network.decode(encoded), network(images))
    for off in ([0], [2], [0, 1, 2]):
        carried = {
            level: torch.zeros_like(skip) if level in off else skip for level, skip in encoded.skips.items()
        }
        silenced = network.decode(encoded._replace(skips=carried))
        torch.testing.assert_close(network(images, without=off), silenced)
        assert (silenced - network(images)).abs().max() > 1e-3


def test_without_skips_it_is_the_network_that_has_none():
    with_skips, none = small(attention_gates=True), small(skips="none")
    there = none.state_dict().keys()
    left_out = with_skips.state_dict().keys() - there
    assert left_out
    assert all("gate" in name or name.endswith("beside_weight") for name in left_out)
    none.load_state_dict({name: with_skips.state_dict()[name] for name in there})
    images = torch.rand(1, 1, 12, 12)
    torch.testing.assert_close(with_skips.eval()(images, without=[0, 1]), none.eval()(images))


def test_a_narrow_latent_is_all_that_passes_without_skips():
    network = small(depth=3, latent=2, skips="none").to(WIDE).eval()
    images = torch.rand(3, 1, 8, 8, dtype=WIDE)
    encoded = network.encode(images)
    assert encoded.latent.shape == (3, 2, 1, 1)
    # Two numbers at one position: whatever the image, its restoration lies on a surface of two dimensions.
    moved = encoded.latent.flatten(1).requires_grad_()
    jacobian = torch.autograd.functional.jacobian(
        lambda latent: network.decode(encoded._replace(latent=latent.view(3, 2, 1, 1)))[0].flatten(), moved
    )
    assert jacobian[:, 0].abs().max() > 0
    assert jacobian[:, 1:].abs().max() == 0
    assert {"widen.weight", "bottleneck.narrow.weight"} <= network.state_dict().keys()


def test_a_residual_network_adds_to_the_image():
    network = small(outputs=1, residual=True).eval()
    images = torch.rand(1, 1, 9, 9)
    torch.testing.assert_close(network(images), images + 0.3 * network.decode(network.encode(images)))
    nn.init.zeros_(network.output.weight)
    assert torch.equal(network(images), images)


def test_what_is_looked_at_and_that_looking_changes_nothing():
    network = small(attention_gates=True, bottleneck_attention=2).eval()
    images = torch.rand(2, 1, 9, 14)  # 12 × 16 when mirrored
    plain = network(images)
    with regard.look(network) as seen:
        assert torch.equal(network(images), plain)
    assert {name: tuple(one.weights.shape) for name, one in seen.items()} == {
        "bottleneck.0.self": (2, 2, 12, 12),
        "bottleneck.1.self": (2, 2, 12, 12),
        "decoder.1.gate": (2 * 6 * 8, 1, 1, 1),
        "decoder.0.gate": (2 * 12 * 16, 1, 1, 1),
    }
    torch.testing.assert_close(seen["bottleneck.0.self"].weights.sum(-1), torch.ones(2, 2, 12))


def test_gate_maps_are_what_the_gates_did():
    network = small(attention_gates=True, channels=3).eval()
    images = torch.rand(2, 3, 9, 14)
    did = {}

    def note(module, arguments, result):
        did[result.shape[1]] = arguments[0], result

    for module in network.modules():
        if isinstance(module, AttentionGate):
            module.register_forward_hook(note)
    maps = gate_maps(network, images)
    assert list(maps) == ["decoder.0.gate", "decoder.1.gate"]
    for channels, name, pixels in ((4, "decoder.0.gate", 1), (8, "decoder.1.gate", 2)):
        skip, passed = (
            network.crop(features.repeat_interleave(pixels, 2).repeat_interleave(pixels, 3), (9, 14))
            for features in did[channels]
        )
        torch.testing.assert_close(skip * maps[name][:, None], passed)
    assert all(gate.min() > 0 and gate.max() < 1 and gate.std() > 0 for gate in maps.values())
    with pytest.raises(ValueError, match="no attention gates"):
        gate_maps(small(), torch.rand(1, 1, 8, 8))


def test_gate_maps_where_only_some_levels_have_skips():
    network = small(attention_gates=True, skips=(1,)).eval()
    assert list(gate_maps(network, torch.rand(1, 1, 8, 8))) == ["decoder.1.gate"]


class Largest(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        sizes = [tensor.numel() for tensor in tree_leaves(result) if isinstance(tensor, torch.Tensor)]
        self.elements = max([self.elements, *sizes])
        return result


def test_gates_hold_nothing_that_grows_with_positions_squared():
    network = small(attention_gates=True)
    with Largest() as largest:
        network(torch.rand(1, 1, 64, 64)).sum().backward()
    assert largest.elements <= 64 * 64 * 4


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
def test_feature_maps_are_channels_last(channels, norm):
    network = small(channels=channels, norm=norm, attention_gates=True, bottleneck_attention=1)
    orders = []
    for module in network.modules():
        if isinstance(module, (Convolution, AttentionGate)):
            module.register_forward_hook(
                lambda _, __, result: orders.append(result.is_contiguous(memory_format=torch.channels_last))
            )
    network(torch.rand(2, channels, 16, 16))
    network.eval()(torch.rand(2, channels, 16, 16))
    assert len(orders) == 2 * 12
    assert all(orders)


def test_bfloat16_stays_near_float32():
    network = small(width=16, attention_gates=True, bottleneck_attention=1)
    images = torch.rand(4, 1, 32, 32)
    network(images)
    network.eval()
    exact = network(images)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(images)
    assert rounded.dtype == torch.bfloat16
    assert (rounded.float() - exact).norm() < 0.03 * exact.norm()


@pytest.mark.parametrize(
    "dials",
    [
        {},
        {"attention_gates": True, "norm": "instance", "up_sampling": "bilinear"},
        {"bottleneck_attention": 1, "skips": (0,), "norm": "group", "dropout": 0.1},
    ],
)
def test_it_learns_what_is_inside(dials):
    """A pixel's class is whether it lies within a square frame, which no small window can tell."""
    torch.manual_seed(3)
    images, inside = torch.zeros(8, 1, 24, 24), torch.zeros(8, 24, 24, dtype=torch.long)
    for image, mask in zip(images, inside, strict=True):
        top, left = torch.randint(1, 10, (2,)).tolist()
        image[0, top : top + 12, left : left + 12] = 1.0
        image[0, top + 1 : top + 11, left + 1 : left + 11] = 0.0
        mask[top + 1 : top + 11, left + 1 : left + 11] = 1
    network = small(width=8, **dials)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(40):
        loss = F.cross_entropy(network(images), inside)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network(images).argmax(1) == inside).float().mean() > 0.97


def test_thirty_one_million_parameters():
    with torch.device("meta"):
        network = UNet(UNetConfig(width=64), 3, 2, mean=[0.5] * 3, std=[0.2] * 3)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(31.0e6, rel=0.01)


def test_what_the_config_derives_and_refuses():
    config = UNetConfig(width=16, skips=[2, 0, 2], bottleneck_attention=1)
    assert (config.stride, config.skip_levels, config.layer.width) == (16, (0, 2), 256)
    assert UNetConfig(skips="none").skip_levels == ()
    for wrong, reason in (
        ({"skips": [4]}, "depth 4 has levels 0"),
        ({"skips": "some"}, "none"),
        ({"skips": [-1]}, "greater than or equal to 0"),
        ({"skips": "none", "attention_gates": True}, "set attention_gates to false"),
        ({"skips": (), "attention_gates": True}, "set attention_gates to false"),
        ({"bottleneck_attention": 1, "heads": 7}, "take 4 heads"),
        ({"bottleneck_attention": 1, "width": 3, "depth": 1}, "even width"),
        ({"depth": 0}, "greater than or equal to 1"),
        ({"norm": "layer"}, "batch"),
        ({"width": "32"}, "integer"),
        ({"gates": True}, "Extra inputs"),
    ):
        with pytest.raises(pydantic.ValidationError, match=reason):
            UNetConfig(**wrong)


def test_what_does_not_fit_is_refused():
    config = UNetConfig(width=4, depth=1)
    with pytest.raises(ValueError, match="2 output channels"):
        UNet(UNetConfig(residual=True), 3, 2, mean=[0.5] * 3, std=[0.2] * 3)
    with pytest.raises(ValueError, match="as many means"):
        UNet(config, 3, 2, mean=[0.5], std=[0.2])
    network = UNet(config, 3, 2, mean=[0.5] * 3, std=[0.2] * 3)
    with pytest.raises(ValueError, match=r"images \[batch, 3"):
        network(torch.rand(1, 1, 8, 8))
    with pytest.raises(ValueError, match=r"images \[batch, 3"):
        network(torch.rand(3, 9, 9))
    for wrong in (torch.rand(9), torch.rand(3, 9), torch.rand(1, 1, 3, 9, 9)):
        with pytest.raises(ValueError, match=re.escape(f"was given {list(wrong.shape)}")):
            network(wrong)
    with pytest.raises(ValueError, match="no pixels"):
        network(torch.rand(1, 3, 0, 8))
    with pytest.raises(ValueError, match="level 1 has no skip connection"):
        network(torch.rand(1, 3, 8, 8), without=[1])

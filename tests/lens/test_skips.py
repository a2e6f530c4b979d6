"""Skip connections, switched off while a block runs."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.lens.skips import without_skips
from regard.models.images.unet import Encoded, UNet
from regard.models.images.unet_config import UNetConfig

LEVELS = 3


def unet(**dials: object) -> UNet:
    torch.manual_seed(1)
    return UNet(UNetConfig(width=4, depth=LEVELS, **dials), 2, 3, mean=[0.5] * 2, std=[0.2] * 2).eval()


@given(
    off=st.sets(st.integers(0, LEVELS - 1)),
    gates=st.booleans(),
    norm=st.sampled_from(["batch", "instance", "group", "none"]),
    size=st.tuples(st.integers(8, 20), st.integers(8, 20)),
)
def test_a_skip_that_is_off_carries_nothing(
    off: set[int], gates: bool, norm: str, size: tuple[int, int]
) -> None:
    network, images = unet(norm=norm, attention_gates=gates), torch.rand(2, 2, *size)
    with torch.no_grad():
        encoded = network.encode(images)
        left = {level: skip for level, skip in encoded.skips.items() if level not in off}
        expected = network.decode(Encoded(encoded.latent, left, encoded.size))
        with without_skips(network, off):
            assert torch.equal(network(images), expected)


def test_afterwards_all_is_as_before_by_an_error_too() -> None:
    network, images = unet(), torch.rand(1, 2, 16, 16)
    whole = network(images)
    with without_skips(network, [0, 2]):
        assert not torch.equal(network(images), whole)
    assert torch.equal(network(images), whole)
    with pytest.raises(ValueError, match="channels"), without_skips(network, [0, 2]):
        network(images[:, :1])
    assert torch.equal(network(images), whole)
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_a_level_without_a_skip_is_told() -> None:
    with pytest.raises(ValueError, match="levels that have: 1, 2"), without_skips(unet(skips=[1, 2]), [0]):
        pass

"""The U-Net with a judge."""

import pytest
import torch

from regard.models.images.judged_unet import JudgedUNet
from regard.models.images.unet import UNet
from regard.models.images.unet_config import UNetConfig

DIALS = UNetConfig(width=4, depth=2)


def judged(mean: float = 0.5, std: float = 0.2) -> JudgedUNet:
    torch.manual_seed(0)
    return JudgedUNet(DIALS, UNetConfig(width=6, depth=1), 2, [mean, mean], [std, std]).eval()


def test_it_restores_as_a_unet_does() -> None:
    network, images = judged(), torch.rand(2, 2, 13, 10)
    plain = UNet(DIALS, 2, 2, [0.5] * 2, [0.2] * 2).eval()
    own = {name: one for name, one in network.state_dict().items() if not name.startswith("judge.")}
    plain.load_state_dict(own)
    assert plain(images).equal(network(images))


def test_both_streams_are_cut_and_normalised_alike() -> None:
    network, images = judged(), torch.rand(1, 2, 8, 8)
    seen: list[torch.Tensor] = []
    network.judge.normalise.register_forward_hook(lambda _, given, made: seen.append(made))
    network.judged(images, images)
    first, second = seen[0].chunk(2, 1)
    assert first.equal(second)
    torch.testing.assert_close(first, (images - 0.5) / 0.2)
    assert network.judged(images, images + 3).equal(network.judged(images, torch.ones_like(images)))


def test_a_residual_judge_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be residual"):
        JudgedUNet(DIALS, UNetConfig(width=4, depth=1, residual=True), 1, [0.0], [1.0])

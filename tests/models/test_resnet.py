"""The small residual network, against the blocks of He et al. written out."""

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from regard.models.images import ResNet, ResNetConfig, build_image_classifier


def resnet(channels: int = 3, **dials) -> ResNet:
    torch.manual_seed(0)
    config = ResNetConfig(**{"width": 4, "blocks": 2, **dials})
    model = build_image_classifier(config, channels, 5, (16, 16), [0.4] * channels, [0.2] * channels)
    assert isinstance(model, ResNet)
    return model


def test_resnet_20_has_the_layers_and_parameters_of_the_paper():
    model = build_image_classifier(ResNetConfig(width=16), 3, 10, (32, 32), [0.5] * 3, [0.5] * 3)
    counted = [p for name, p in model.named_parameters() if p.dim() > 1 and "shortcut" not in name]
    assert len(counted) == 20
    own = sum(p.numel() for name, p in model.named_parameters() if "shortcut" not in name)
    assert round(own / 1e6, 2) == 0.27  # table 6, whose shortcuts have no weights


@torch.no_grad()
def test_what_it_computes():
    model = resnet().double()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                tensor.copy_(torch.rand_like(tensor) + 0.5)
    model.eval()
    state, images = model.state_dict(), torch.rand(2, 3, 13, 16, dtype=torch.float64)

    def convolve(name: str, norm: str, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
        weight = state[f"{name}.weight"]
        mean, variance, gain, shift = (
            state[f"{norm}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        convolved = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        return (convolved - mean) / (variance + 1e-5).sqrt() * gain + shift

    x = F.relu(convolve("stem", "stem_norm", (images - 0.4) / 0.2))
    for index in range(6):
        name, stride = f"blocks.{index}", 2 if index in (2, 4) else 1
        change = F.relu(convolve(f"{name}.first", f"{name}.first_norm", x, stride))
        change = convolve(f"{name}.second", f"{name}.second_norm", change)
        if stride == 2:
            x = convolve(f"{name}.shortcut.0", f"{name}.shortcut.1", x, stride)
        x = F.relu(x + change)
    torch.testing.assert_close(model.features(images), x, atol=1e-6, rtol=1e-6)
    expected = F.linear(x.mean((2, 3)), state["output.weight"], state["output.bias"])
    torch.testing.assert_close(model(images), expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("half", [False, True])
def test_it_trains_with_channels_last(channels, half):
    model, images = resnet(channels, dropout=0.1), torch.rand(4, channels, 16, 16)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        features, logits = model.features(images), model(images)
    assert features.is_contiguous(memory_format=torch.channels_last)
    logits.float().logsumexp(-1).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("size", [(1, 1), (7, 30)])
@torch.no_grad()
def test_any_size(size):
    assert resnet().eval()(torch.rand(2, 3, *size)).shape == (2, 5)


def test_the_image_has_a_gradient():
    images = torch.rand(1, 1, 16, 16, requires_grad=True)
    resnet(1).eval().features(images)[0, :, 2, 2].sum().backward()
    assert (images.grad != 0).any()


@torch.no_grad()
def test_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"convert them to 1 channel$"):
        resnet(1)(torch.rand(2, 3, 16, 16))


@pytest.mark.parametrize(
    "dials", [{"width": 0}, {"blocks": 0}, {"stages": 7}, {"depth": 3}, {"dropout": 1.0}]
)
def test_nonsense(dials):
    with pytest.raises(ValidationError):
        ResNetConfig(**dials)

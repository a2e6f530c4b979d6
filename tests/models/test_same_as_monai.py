"""The same weights give the same as MONAI's blocks, where the two correspond."""

import pytest
import torch
from torch import nn

from regard.attention import Attention, Sigmoid
from regard.models.images import UNet, UNetConfig
from regard.nn.attention_gate import AttentionGate
from regard.nn.convolution import Convolution
from regard.nn.up_sampling import Interpolated, Transposed

blocks = pytest.importorskip("monai.networks.blocks", reason="MONAI is not installed")
unets = pytest.importorskip("monai.networks.nets.basic_unet")
gated = pytest.importorskip("monai.networks.nets.attentionunet")


def stir(module):
    """Parameters and statistics away from where things agree by chance; sizes kept moderate."""
    with torch.no_grad():
        for name, tensor in module.named_buffers():
            if name.endswith("running_mean"):
                tensor.normal_(std=0.2)
            elif name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
        for parameter in module.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return module


def convolution_state(theirs, beside=0):
    """The state of a Convolution. MONAI's second map comes first; its bias goes into the norm's mean."""
    state = {f"norm.{name}": value for name, value in theirs.adn.N.state_dict().items()}
    weight = theirs.conv.weight.detach()
    state["weight"] = weight[:, beside:]
    if beside:
        state["beside_weight"] = weight[:, :beside]
    if theirs.conv.bias is not None and "norm.running_mean" in state:
        state["norm.running_mean"] = state["norm.running_mean"] - theirs.conv.bias.detach()
    return state


def transposed_state(theirs):
    """torch's [inputs, outputs, 2, 2] as [2, 2, outputs, inputs]."""
    weight = theirs.deconv.weight.detach().permute(2, 3, 1, 0)
    return {"weight": weight, "bias": theirs.deconv.bias.detach()}


@pytest.mark.parametrize("norm", ["batch", "instance", "group"])
@pytest.mark.parametrize("training", [True, False])
def test_convolution(norm, training):
    torch.manual_seed(0)
    named = {
        "batch": "batch",
        "instance": ("instance", {"affine": True}),
        "group": ("group", {"num_groups": 2}),
    }
    theirs = blocks.Convolution(2, 5, 32, norm=named[norm], act="relu", padding=1, bias=norm == "batch")
    theirs = stir(theirs).train(training)
    ours = Convolution(5, 32, norm).train(training)
    ours.load_state_dict(convolution_state(theirs))
    x = torch.randn(2, 5, 11, 9)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)


def test_up_sampling():
    torch.manual_seed(0)
    x = torch.randn(2, 8, 5, 6)
    theirs = blocks.UpSample(2, 8, 4, 2, mode="deconv")
    ours = Transposed(8, 4)
    ours.load_state_dict(transposed_state(theirs))
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)
    for mode, corners in (("bilinear", False), ("nearest", None)):
        options = {"mode": "nontrainable", "interp_mode": mode, "align_corners": corners}
        theirs = blocks.UpSample(2, 8, 4, 2, **options)
        ours = Interpolated(8, 4, mode)
        ours.load_state_dict(
            {"weight": theirs.preconv.weight.flatten(1), "bias": theirs.preconv.bias.detach()}
        )
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-5)


def test_attention_gate():
    """MONAI's block with tanh, its batch norms, at rest, as parts of the linear maps that they follow."""
    torch.manual_seed(0)
    theirs = stir(gated.AttentionBlock(2, f_int=4, f_g=8, f_l=8)).eval()
    theirs.relu = nn.Tanh()
    ours = AttentionGate(8)

    def folded(linear, norm):
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        shift = (linear.bias - norm.running_mean) * scale + norm.bias
        return (linear.weight.flatten(1) * scale[:, None]).detach(), shift.detach()

    of_gating, of_skip, of_hidden = (
        folded(part[0].conv, part[1]) for part in (theirs.W_g, theirs.W_x, theirs.psi)
    )
    score = ours.attention.score
    score.load_state_dict(
        {
            "query_weight": of_gating[0].t()[None],
            "key_weight": of_skip[0].t()[None],
            "bias": (of_gating[1] + of_skip[1])[None],
            "vector": of_hidden[0],
        }
    )
    ours.attention = Attention(score, Sigmoid(bias=of_hidden[1].item()))
    skip, gating = torch.randn(2, 8, 7, 5), torch.randn(2, 8, 7, 5)
    torch.testing.assert_close(ours(skip, gating), theirs(g=gating, x=skip), atol=1e-5, rtol=1e-5)


def basic_unet(width):
    """MONAI's BasicUNet with ReLU, batch norm, and a finest level that halves channels as the others do."""
    sizes = [width << level for level in range(5)]
    network = unets.BasicUNet(2, 3, 2, features=(*sizes, width), act="relu", norm="batch")
    network.upcat_1 = unets.UpCat(2, 2 * width, width, width, "relu", "batch", True, upsample="deconv")
    return stir(network)


def unet_state(theirs):
    levels = [theirs.conv_0, *(getattr(theirs, f"down_{level}").convs for level in range(1, 5))]
    parts = {}
    for level, two in enumerate(levels):
        for index, one in enumerate((two.conv_0, two.conv_1)):
            place = f"encoder.{level}.{index}" if level < 4 else f"bottleneck.convolutions.{index}"
            parts[place] = convolution_state(one)
    for level in range(4):
        up = getattr(theirs, f"upcat_{level + 1}")
        parts[f"decoder.{level}.up"] = transposed_state(up.upsample)
        skip = up.convs.conv_0.conv.weight.shape[1] // 2
        parts[f"decoder.{level}.first"] = convolution_state(up.convs.conv_0, beside=skip)
        parts[f"decoder.{level}.second"] = convolution_state(up.convs.conv_1)
    final = theirs.final_conv
    parts["output"] = {"weight": final.weight.detach().flatten(1), "bias": final.bias.detach()}
    return {f"{place}.{name}": value for place, state in parts.items() for name, value in state.items()}


@pytest.mark.parametrize("training", [True, False])
def test_unet(training):
    torch.manual_seed(0)
    theirs = basic_unet(8).train(training)
    ours = UNet(UNetConfig(width=8), 3, 2, mean=[0.0] * 3, std=[1.0] * 3).train(training)
    ours.load_state_dict(unet_state(theirs), strict=False)
    assert set(ours.state_dict()) - set(unet_state(theirs)) == {"normalise.mean", "normalise.std"}
    images = torch.rand(2, 3, 32, 48, requires_grad=True)
    given, wanted = ours(images), theirs(images)
    torch.testing.assert_close(given, wanted, atol=1e-5, rtol=1e-5)
    direction = torch.randn_like(wanted)
    for one, other in zip(
        torch.autograd.grad(given, (images, ours.encoder[0][0].weight), direction),
        torch.autograd.grad(wanted, (images, theirs.conv_0.conv_0.conv.weight), direction),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-4 * float(other.abs().max()), rtol=1e-3)

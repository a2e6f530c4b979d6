"""How far layers look: attention by head, convolutions by their fields."""

import math

import pytest
import torch

from regard.lens import AttentionMap, PatchGrid, Tokens
from regard.lens.reach import Reach, attention_reach, field_reach
from regard.lens.receptive_field import feature_of, field_distance, receptive_field
from regard.models.images.config import ResNetConfig
from regard.models.images.resnet import ResNet
from regard.models.images.unet import UNet
from regard.models.images.unet_config import UNetConfig


def resnet(**dials: int) -> ResNet:
    torch.manual_seed(0)
    config = ResNetConfig(**{"width": 4, "blocks": 1, "stages": 3, **dials})
    return ResNet(config, 1, 2, mean=[0.5], std=[0.2]).eval()


def unet(**dials: object) -> UNet:
    torch.manual_seed(0)
    return UNet(UNetConfig(width=4, depth=2, heads=2, **dials), 1, 1, mean=[0.5], std=[0.2]).eval()


def a_map(seed: int, rows: int = 2, columns: int = 3) -> AttentionMap:
    grid = PatchGrid(rows, columns, ("[CLS]",), (4 * rows, 4 * columns))
    generator = torch.Generator().manual_seed(seed)
    weights = torch.softmax(torch.randn(2, len(grid), len(grid), generator=generator), -1)
    return AttentionMap("encoder.0.self", weights, grid, grid)


def distances_by_hand(seen: AttentionMap) -> list[float]:
    """Of each head, in plain loops over patches."""
    found = []
    for weights in seen.weights.double().tolist():
        per_patch = []
        for query, row in enumerate(weights[1:]):
            there = divmod(query, 3)
            reached = [4 * math.dist(there, divmod(key, 3)) for key in range(6)]
            per_patch.append(sum(w * d for w, d in zip(row[1:], reached, strict=True)) / sum(row[1:]))
        found.append(sum(per_patch) / 6)
    return found


def test_attention_reaches_as_far_as_a_mean_over_pictures_says() -> None:
    seen = [a_map(seed) for seed in range(3)]
    pooled = AttentionMap("pool.cross", torch.ones(1, 1, 6), Tokens(("picture",)), PatchGrid(2, 3))
    reach = attention_reach("vit", [{"encoder.0.self": one, "pool.cross": pooled} for one in seen])
    assert list(reach.layers) == ["encoder.0.self"]
    by_hand = torch.tensor([distances_by_hand(one) for one in seen], dtype=torch.double).mean(0)
    torch.testing.assert_close(reach.layers["encoder.0.self"].double(), by_hand, atol=1e-5, rtol=0)
    assert reach.image_size == (8, 12)
    uniform = sum(4 * math.dist(divmod(a, 3), divmod(b, 3)) for a in range(6) for b in range(6)) / 36
    assert reach.uniform == pytest.approx(uniform)


def test_without_attention_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="no self-attention"):
        attention_reach("resnet", [{}])
    with pytest.raises(ValueError, match="no pictures"):
        field_reach("resnet", resnet(), [])


def test_a_convolution_sees_its_neighbours_and_a_stack_of_them_more() -> None:
    reach = field_reach("resnet", resnet(), [torch.rand(1, 32, 32) for _ in range(3)])
    assert list(reach.layers) == ["stem", "block 1", "block 2", "block 3"]
    far = [float(distance) for distance in reach.layers.values()]
    assert 0 < far[0] <= math.sqrt(2)  # the corner of 3 × 3
    assert far == sorted(far)
    assert reach.uniform is None


def test_of_a_unet_attention_in_the_bottleneck_sees_everything() -> None:
    images = [torch.rand(1, 32, 32)]
    plain, attending = unet(), unet(bottleneck_attention=1)
    assert list(field_reach("unet", plain, images).layers) == ["encoder 0", "encoder 1", "bottleneck"]
    for network, whole in ((plain, False), (attending, True)):
        field = receptive_field(feature_of(network.encode, network.bottleneck), images[0][None])
        assert bool((field > 0).all()) == whole


def test_pictures_of_several_sizes_count_by_their_number() -> None:
    small, large = [torch.rand(1, 16, 16) for _ in range(2)], [torch.rand(1, 24, 20)]
    network = resnet()
    both, one, other = (field_reach("n", network, images) for images in (small + large, small, large))
    for layer, distance in both.layers.items():
        expected = (2 * one.layers[layer] + other.layers[layer]) / 3
        torch.testing.assert_close(distance, expected, atol=1e-5, rtol=1e-5)
    assert both.image_size == (0, 0)
    assert other.image_size == (24, 20)


def test_of_a_large_picture_the_middle_is_read() -> None:
    image = torch.rand(1, 520, 530)
    inside = image[:, 4:516, 9:521]
    network = resnet(stages=1)
    whole, part = (field_reach("n", network, [one]).layers["block 1"] for one in (image, inside))
    assert torch.equal(whole, part)


def test_looking_leaves_no_hook_behind() -> None:
    network = resnet()
    field_reach("resnet", network, [torch.rand(1, 8, 8)])
    with pytest.raises(ValueError, match="this ran 0 times"):
        feature_of(network.features, network.output)(torch.rand(1, 1, 8, 8))
    assert not any(module._forward_hooks for module in network.modules())


def test_numbers_go_into_json() -> None:
    reach = Reach("n", {"a": torch.tensor([1.0, 3.0]), "b": torch.tensor([4.0])}, image_size=(8, 8))
    assert reach.depths == [0.5, 1.0]
    assert reach.to_json()["layers"][0] == {"name": "a", "depth": 0.5, "distances": [1.0, 3.0]}
    assert field_distance(torch.tensor([[1.0, 1.0]])) == 0.5

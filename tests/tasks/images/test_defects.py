"""Synthetic defects, removed regions, and the maps that show them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from regard.tasks.images import anomaly_map as anomaly_map_module
from regard.tasks.images.anomaly_map import AnomalyMapConfig, anomaly_map, anomaly_scores, gradient_similarity
from regard.tasks.images.defects import DefectConfig, add_defects
from regard.tasks.images.measures.ranking import auroc
from regard.tasks.images.perlin import perlin_noise
from regard.tasks.images.removed_regions import region_sets, removed, restored_from_around


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_perlin_noise_is_smooth_centred_and_as_wide_as_said() -> None:
    noise = perlin_noise(200, 32, 48, seeded(), dtype=torch.float64)
    assert noise.dtype == torch.float64
    assert noise.abs().max() <= 1
    assert noise.max() > 0.7
    assert abs(noise.mean().item()) < 0.03
    coarse = perlin_noise(50, 64, 64, seeded(), finest=1)
    assert coarse.diff(dim=1).abs().max() < 0.25
    assert perlin_noise(2, 1, 1, seeded()).shape == (2, 1, 1)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 9999), channels=st.sampled_from([1, 3]), rows=st.integers(8, 40),
    columns=st.integers(8, 40), kind=st.sampled_from(["perlin", "cut-paste", "scar", "noise", "erased"]),
    double=st.booleans(),
)  # fmt: skip
def test_only_the_mask_differs_and_nothing_else_of_the_image(
    seed: int, channels: int, rows: int, columns: int, kind: str, double: bool
) -> None:
    dtype = torch.float64 if double else torch.float32
    good = torch.rand(6, channels, rows, columns, generator=seeded(seed), dtype=dtype)
    config = DefectConfig.model_validate({"kinds": (kind,), "share": 1.0})
    bad = add_defects(good, config, seeded(seed))
    again = add_defects(good, config, seeded(seed))
    assert (bad.images == again.images).all()
    assert (bad.mask == again.mask).all()
    assert bad.images.dtype == dtype
    assert bad.mask.shape == (6, 1, rows, columns)
    assert bad.images.min() >= 0
    assert bad.images.max() <= 1
    differs = ((bad.images - good).abs() > 1 / 128).any(1, keepdim=True)
    assert not (differs & ~bad.mask).any()
    assert not (bad.mask & (F.max_pool2d(differs.float(), 3, 1, 1) == 0)).any()
    assert (bad.images == good)[~bad.mask.expand_as(good)].all()
    # A small blot of noise may be as good as what was there.
    assert bad.mask.any((1, 2, 3)).sum() >= (4 if kind == "perlin" else 6)


def test_defects_have_sensible_sizes_and_their_share_of_images() -> None:
    good = torch.rand(400, 1, 32, 32, generator=seeded())
    bad = add_defects(good, DefectConfig(share=0.25), seeded())
    hit = bad.mask.any((1, 2, 3))
    assert hit.float().mean().item() == pytest.approx(0.25, abs=0.07)
    for kind, least, most in (
        ("perlin", 0.01, 0.4),
        ("cut-paste", 0.02, 0.15),
        ("scar", 0.003, 0.02),
        ("noise", 0.99, 1.0),
        ("erased", 0.2, 0.55),
    ):
        config = DefectConfig.model_validate({"kinds": (kind,), "share": 1.0})
        share = add_defects(good, config, seeded()).mask.float().mean().item()
        assert least < share <= most, kind


def test_a_flat_image_gets_defects_too() -> None:
    flat = torch.full((20, 1, 28, 28), 0.5)
    assert (
        add_defects(flat, DefectConfig(kinds=("perlin",), share=1.0), seeded()).mask.any((1, 2, 3)).sum() > 15
    )


def test_a_small_image_gets_its_defect_too() -> None:
    config = DefectConfig(kinds=("cut-paste",), share=1.0)
    for seed in range(60):
        good = torch.rand(6, 1, 8, 8, generator=seeded(seed))
        assert add_defects(good, config, seeded(seed)).mask.any((1, 2, 3)).all()


def test_images_that_are_normalised_or_whole_numbers_are_refused() -> None:
    good = torch.rand(2, 1, 16, 16)
    for wrong, said in ((2 * good - 1, "not in"), ((255 * good).byte(), "four axes of float")):
        with pytest.raises(ValueError, match=said):
            add_defects(wrong, DefectConfig(), seeded())
        with pytest.raises(ValueError, match=said):
            anomaly_map(wrong, good)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 999), rows=st.integers(4, 20), columns=st.integers(4, 20),
    square=st.integers(1, 4), sets=st.integers(1, 3),
)  # fmt: skip
def test_regions_are_a_partition_of_squares(
    seed: int, rows: int, columns: int, square: int, sets: int
) -> None:
    squares = -(-rows // square) * -(-columns // square)
    if sets > squares:
        with pytest.raises(ValueError, match="take fewer sets"):
            region_sets(2, rows, columns, seeded(seed), square=square, sets=sets)
        return
    regions = region_sets(2, rows, columns, seeded(seed), square=square, sets=sets)
    assert (regions.sum(1) == 1).all()
    blocks = F.max_pool2d(regions.float(), square, ceil_mode=True).sum((2, 3))
    assert (blocks.sum(1) == squares).all()  # no square is in two sets
    assert blocks.max() - blocks.min() <= 1


def test_a_removed_region_has_no_influence_on_its_restoration() -> None:
    images = torch.rand(1, 1, 6, 6, dtype=torch.float64)
    regions = region_sets(1, 6, 6, seeded(), square=2, sets=3)
    jacobian = torch.autograd.functional.jacobian(
        lambda z: restored_from_around(lambda x: x + x.mean(), z, regions).flatten(), images
    ).view(36, 36)
    of = regions[0].int().argmax(0).flatten()
    assert (jacobian[of[:, None] == of] == 0).all()
    assert (jacobian[of[:, None] != of] > 0).all()
    left, mask = removed(images, seeded(), square=2)
    assert (left[mask] == 0).all()
    assert (left == images)[~mask].all()


def by_hand(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """One scale, one channel, with Prewitt's filters as convolutions."""
    across = torch.tensor([[1.0, 0, -1]] * 3, dtype=x.dtype).view(1, 1, 3, 3) / 3
    magnitudes = []
    for image in (x, y):
        padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
        gx, gy = F.conv2d(padded, across), F.conv2d(padded, across.transpose(2, 3))
        magnitudes.append((gx**2 + gy**2).sqrt())
    a, b = magnitudes
    return ((2 * a * b + 0.0026) / (a**2 + b**2 + 0.0026))[:, 0]


def test_gradient_similarity_is_its_formula() -> None:
    x, y = torch.rand(2, 2, 1, 20, 24, generator=seeded(), dtype=torch.float64)
    torch.testing.assert_close(gradient_similarity(x, y, 1), by_hand(x, y))
    halves = [by_hand(F.avg_pool2d(x, 2), F.avg_pool2d(y, 2))]
    expected = (by_hand(x, y) + F.interpolate(halves[0][:, None], (20, 24), mode="bilinear")[:, 0]) / 2
    torch.testing.assert_close(gradient_similarity(x, y, 4), expected)  # a quarter is too small


@pytest.mark.parametrize("differences", ["gradient", "similarity", "squared", "gradient similarity"])
def test_the_map_points_at_the_defect(differences: str) -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    good = (0.5 + 0.3 * torch.sin(x / 3) * torch.cos(y / 4)).expand(12, 1, -1, -1)
    bad = add_defects(good, DefectConfig(kinds=("cut-paste",), share=1.0), seeded())
    config = AnomalyMapConfig(differences=tuple(differences.split()))  # type: ignore[arg-type]
    restored = (good + 0.02 * torch.randn(good.shape, generator=seeded())).bfloat16()
    heat = anomaly_map(bad.images, restored, config)
    assert heat.shape == (12, 64, 64)
    assert heat.dtype == torch.float32
    assert auroc(heat, bad.mask[:, 0]) > 0.9
    plain = anomaly_scores(anomaly_map(good, restored, config), good, restored, config)
    scores = torch.cat((plain, anomaly_scores(heat, bad.images, restored, config)))
    assert auroc(scores, torch.arange(24) >= 12) > 0.95


def test_both_streams_are_cut_to_the_same_range() -> None:
    image = torch.zeros(1, 1, 16, 16)
    for config in (AnomalyMapConfig(), AnomalyMapConfig(differences=("squared",), smoothing=0.0)):
        assert anomaly_map(image, image - 3.0, config).max() == 0
    assert anomaly_map(image.double(), image.double()).dtype == torch.float64


def test_differences_are_averaged() -> None:
    image, restored = torch.rand(2, 2, 1, 24, 24, generator=seeded())
    configs = [AnomalyMapConfig(differences=("gradient",)), AnomalyMapConfig(differences=("squared",))]
    one, other = (anomaly_map(image, restored, config) for config in configs)
    both = anomaly_map(image, restored, AnomalyMapConfig(differences=("gradient", "squared")))
    torch.testing.assert_close(both, (one + other) / 2)


@pytest.mark.parametrize("differences", ["gradient", "similarity", "squared"])
def test_in_strips_nothing_changes(differences: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image, restored = torch.rand(2, 2, 3, 41, 29, generator=seeded())
    config = AnomalyMapConfig.model_validate({"differences": (differences,), "score": "structure"})

    def compared() -> tuple[torch.Tensor, torch.Tensor]:
        heat = anomaly_map(image, restored, config)
        return heat, anomaly_scores(heat, image, restored, config)

    whole = compared()
    most = []

    def recorded(images: torch.Tensor) -> torch.Tensor:
        most.append(images.shape[-2])
        return squared_gradients(images)

    squared_gradients = anomaly_map_module._squared_gradients
    monkeypatch.setattr(anomaly_map_module, "_squared_gradients", recorded)
    monkeypatch.setattr(anomaly_map_module, "_ROWS", 8)
    for one, other in zip(compared(), whole, strict=True):
        assert torch.equal(one, other)
    assert max(most, default=0) <= 10  # eight, and one on either side


def test_a_power_counts_what_is_strange_for_more() -> None:
    heat, image = torch.tensor([[[0.1, 0.1, 0.7]]]), torch.zeros(1, 1, 1, 3)
    plain, cubed = (
        anomaly_scores(heat, image, image, AnomalyMapConfig(score="mean", power=power)).item()
        for power in (1.0, 3.0)
    )
    assert (plain, cubed) == (pytest.approx(0.3), pytest.approx((0.345 / 3) ** (1 / 3)))
    # A bare ground counts for nothing, whatever the power.
    spot, hot = torch.zeros(1, 1, 32, 32), torch.ones(1, 32, 32)
    spot[..., 8:12, 8:12], hot[:, :16, :16] = 1.0, 0.2
    config = AnomalyMapConfig(score="structure", power=3.0)
    assert anomaly_scores(hot, spot, spot, config).item() == pytest.approx(0.2)


def test_a_bare_ground_does_not_water_down_the_score() -> None:
    image, restored = torch.zeros(2, 1, 64, 64), torch.zeros(2, 1, 64, 64)
    image[0, 0, 20:30, 20:30] = 1  # is not restored
    image[1], restored[1] = image[0], image[0]
    scores = {}
    for score in ("mean", "structure"):
        config = AnomalyMapConfig.model_validate({"differences": ("squared",), "score": score})
        heat = anomaly_map(image, restored, config)
        scores[score] = anomaly_scores(heat, image, restored, config)
        wide = [F.pad(stream, (0, 64, 0, 0)) for stream in (image, restored)]
        wider = anomaly_scores(anomaly_map(wide[0], wide[1], config), wide[0], wide[1], config)
        assert wider[0].item() == pytest.approx(scores[score][0].item() * (0.5 if score == "mean" else 1))
        assert scores[score][1] == 0
    assert scores["structure"][0] > 10 * scores["mean"][0]
    bare = torch.full((1, 3, 16, 16), 0.3)
    assert anomaly_scores(torch.full((1, 16, 16), 0.5), bare, bare, config).item() == pytest.approx(0.5)

"""Noise and blind spots: moments, reproducibility, and that a hidden pixel stays hidden."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.tasks.images.blind_spots import BlindSpotConfig, blind_spots, grid_mask, hidden
from regard.tasks.images.losses import restoration_loss
from regard.tasks.images.noise import NoiseConfig, add_noise


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_gaussian_noise_has_its_sigma_and_no_mean() -> None:
    images = torch.full((4, 3, 64, 64), 0.4, dtype=torch.float64)
    noise = add_noise(images, NoiseConfig(sigma=25.0), seeded()) - images
    assert noise.dtype == torch.float64
    assert noise.std().item() * 255 == pytest.approx(25, rel=0.02)
    assert abs(noise.mean().item()) < 3 * 25 / 255 / noise.numel() ** 0.5


def test_each_image_draws_its_own_sigma() -> None:
    images = torch.zeros(200, 1, 32, 32)
    spread = add_noise(images, NoiseConfig(sigma=5.0, sigma_to=55.0), seeded()).flatten(1).std(1) * 255
    assert 4.5 < spread.min() < 8
    assert 52 < spread.max() < 58
    assert spread.mean().item() == pytest.approx(30, rel=0.1)


def test_poisson_noise_grows_with_light() -> None:
    for level in (0.1, 0.8):
        images = torch.full((1, 1, 128, 128), level)
        noisy = add_noise(images, NoiseConfig(kind="poisson", peak=50.0), seeded())
        assert noisy.mean().item() == pytest.approx(level, rel=0.02)
        assert noisy.var().item() == pytest.approx(level / 50, rel=0.05)
        assert torch.allclose((noisy * 50).round(), noisy * 50, atol=1e-4)


def test_salt_and_pepper_hit_whole_pixels() -> None:
    images = torch.full((1, 3, 100, 100), 0.5)
    noisy = add_noise(images, NoiseConfig(kind="salt-and-pepper", share=0.2), seeded())
    assert (noisy == noisy[:, :1]).all()
    for value, share in ((0.0, 0.1), (1.0, 0.1), (0.5, 0.8)):
        assert (noisy == value).float().mean().item() == pytest.approx(share, abs=0.02)
    assert (add_noise(images, NoiseConfig(kind="salt-and-pepper", share=1.0), seeded()) != 0.5).all()
    assert (add_noise(images, NoiseConfig(kind="salt-and-pepper", share=0.0), seeded()) == images).all()


@pytest.mark.parametrize("kind", ["gaussian", "poisson", "salt-and-pepper"])
def test_noise_is_a_function_of_the_generator_and_may_be_clipped(kind: str) -> None:
    images = torch.rand(2, 1, 8, 8)
    config = NoiseConfig.model_validate({"kind": kind, "sigma": 90.0, "peak": 2.0})
    first, again, other = (add_noise(images, config, seeded(s)) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    clipped = add_noise(images, config.model_copy(update={"clip": True}), seeded(1))
    assert (clipped == first.clamp(0, 1)).all()


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 999), scheme=st.sampled_from(["grid", "random"]), period=st.integers(2, 5),
    rows=st.integers(1, 9), columns=st.integers(1, 9),
)  # fmt: skip
def test_what_is_hidden_has_no_influence(
    seed: int, scheme: str, period: int, rows: int, columns: int
) -> None:
    images = torch.rand(2, 2, rows, columns, generator=seeded(seed), dtype=torch.float64)
    config = BlindSpotConfig.model_validate({"scheme": scheme, "period": period})
    masked = blind_spots(images, config, seeded(seed))
    assert masked.mask.shape == (2, 1, rows, columns)
    everywhere = masked.mask.expand_as(images)
    assert (masked.images == images)[~everywhere].all()
    changed = torch.where(everywhere, torch.rand(images.shape, dtype=torch.float64), images)
    torch.testing.assert_close(hidden(changed, masked.mask), masked.images, rtol=0, atol=0)


def test_grids_cover_each_pixel_once_and_flat_images_stay_flat() -> None:
    masks = [grid_mask(7, 9, 3, torch.tensor([r]), torch.tensor([c])) for r in range(3) for c in range(3)]
    assert (torch.stack(masks).sum(0) == 1).all()
    flat = torch.full((1, 1, 7, 9), 0.3)
    assert all(torch.allclose(hidden(flat, mask), flat) for mask in masks)


def test_random_spots_have_their_share() -> None:
    config = BlindSpotConfig(scheme="random", period=4)
    share = blind_spots(torch.rand(4, 1, 128, 128), config, seeded()).mask.float().mean().item()
    assert share == pytest.approx(1 / 16, rel=0.05)


def test_the_loss_at_hidden_pixels_ranks_denoisers_as_clean_images_would() -> None:
    """Proposition 1: loss on noisy pixels = error against clean ones + the noise's variance."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    clean = (0.5 + 0.4 * torch.sin(x / 9) * torch.cos(y / 7)).expand(8, 1, -1, -1)
    noisy = add_noise(clean, NoiseConfig(sigma=40.0), seeded())
    masked = blind_spots(noisy, BlindSpotConfig(), seeded())
    for size in (1, 3, 7):
        result = torch.nn.functional.avg_pool2d(masked.images, size, 1, size // 2, count_include_pad=False)
        against_noisy = restoration_loss(result, noisy, mask=masked.mask).total / 8
        against_clean = restoration_loss(result, clean, mask=masked.mask).total / 8
        assert against_noisy.item() == pytest.approx(against_clean.item() + (40 / 255) ** 2, rel=0.06)

"""PSNR and SSIM against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.tasks.images.measures.restoration import psnr, ssim, ssim_map


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 999), channels=st.sampled_from([1, 3]), rows=st.integers(11, 30),
    columns=st.integers(11, 30), value_range=st.sampled_from([1.0, 255.0]),
)  # fmt: skip
def test_psnr_and_ssim_are_those_of_scikit_image(
    seed: int, channels: int, rows: int, columns: int, value_range: float
) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    generator = torch.Generator().manual_seed(seed)
    clean = value_range * torch.rand(2, channels, rows, columns, generator=generator, dtype=torch.float64)
    restored = clean + value_range * 0.2 * torch.randn(clean.shape, generator=generator, dtype=torch.float64)
    for image, (ours, similar) in zip(
        range(2), zip(psnr(restored, clean, value_range), ssim(restored, clean, value_range), strict=True),
        strict=True,
    ):  # fmt: skip
        pair = clean[image].numpy(), restored[image].numpy()
        assert ours.item() == pytest.approx(
            metrics.peak_signal_noise_ratio(*pair, data_range=value_range), rel=1e-10
        )
        expected = metrics.structural_similarity(
            *pair, data_range=value_range, channel_axis=0, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False,
        )  # fmt: skip
        assert similar.item() == pytest.approx(expected, rel=1e-8)


def test_the_map_is_the_score_away_from_edges() -> None:
    torch.manual_seed(0)
    clean, restored = torch.rand(2, 2, 3, 24, 20, dtype=torch.float64)
    inside = ssim_map(restored, clean)[:, 5:-5, 5:-5]
    torch.testing.assert_close(inside.flatten(1).mean(1), ssim(restored, clean))
    assert ssim_map(restored[..., :3, :4], clean[..., :3, :4]).shape == (2, 3, 4)


def test_equal_images_and_bad_input() -> None:
    image = torch.rand(1, 1, 16, 16)
    assert psnr(image, image).item() == np.inf
    with pytest.raises(ValueError, match="smaller than SSIM's window"):
        ssim(image[..., :10], image[..., :10])
    with pytest.raises(ValueError, match="one shape"):
        psnr(image, image[..., :10])
    with pytest.raises(ValueError, match="whole numbers"):
        psnr(image.byte(), image.byte())


def test_ssim_is_differentiable() -> None:
    torch.manual_seed(0)
    clean, restored = torch.rand(2, 1, 1, 12, 12, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: ssim(x, clean), (restored.requires_grad_(),))

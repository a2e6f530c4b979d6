"""Embeddings of patches against their definitions, patch by patch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from regard.nn.patches import PatchEmbedding, ShiftedPatchEmbedding, grid_of
from regard.nn.stem import ConvolutionalStem

EMBEDDINGS = [PatchEmbedding, ShiftedPatchEmbedding, ConvolutionalStem]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
def test_a_patch_is_one_linear_map_of_its_pixels(channels, patch, rows, columns):
    embedding = PatchEmbedding(channels, 6, patch).double()
    images = torch.randn(2, channels, rows * patch, columns * patch, dtype=torch.float64)
    states, grid = embedding(images)
    assert grid == (rows, columns)
    weight, bias = embedding.projection.weight.flatten(1), embedding.projection.bias
    for row in range(rows):
        for column in range(columns):
            down, right = row * patch, column * patch
            pixels = images[:, :, down : down + patch, right : right + patch].flatten(1)
            torch.testing.assert_close(states[:, row * columns + column], pixels @ weight.t() + bias)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(2, 5), st.integers(1, 3), st.integers(1, 3))
def test_shifted_patches_see_half_a_patch_around(channels, patch, rows, columns):
    embedding = ShiftedPatchEmbedding(channels, 6, patch).double()
    images = torch.randn(2, channels, rows * patch, columns * patch, dtype=torch.float64)
    states, grid = embedding(images)
    assert grid == (rows, columns)
    half = patch // 2
    around = F.pad(images, (half,) * 4)  # nothing is outside
    shifts = [(0, 0), (-half, -half), (-half, half), (half, -half), (half, half)]
    for row in range(rows):
        for column in range(columns):
            seen = []
            for down, right in shifts:
                top, left = half + row * patch + down, half + column * patch + right
                seen.append(around[:, :, top : top + patch, left : left + patch])
            pixels = torch.cat(seen, 1).flatten(1)
            expected = F.linear(
                F.layer_norm(pixels, pixels.shape[1:]), embedding.projection.weight, embedding.projection.bias
            )
            torch.testing.assert_close(states[:, row * columns + column], expected)


@pytest.mark.parametrize("patch", [2, 4, 8])
def test_a_stem_halves_with_every_convolution(patch):
    torch.manual_seed(0)
    stem = ConvolutionalStem(3, 6, patch)
    assert 2 ** len(stem.convolutions) == patch
    images = torch.randn(2, 3, 2 * patch, 3 * patch)
    states, grid = stem(images)
    assert grid == (2, 3)
    planes = images
    for convolution in stem.convolutions:
        planes = F.max_pool2d(F.relu(F.conv2d(planes, convolution.weight, padding=1)), 3, 2, 1)
    torch.testing.assert_close(states, planes.flatten(2).mT, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("channels", [1, 3])
def test_sequences_lie_as_layers_want_them(embedding, channels):
    states = embedding(channels, 8, 4)(torch.randn(2, channels, 8, 12)).states
    assert states.shape == (2, 6, 8)
    assert states.is_contiguous()


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_images_that_patches_do_not_divide(embedding):
    with pytest.raises(ValueError, match=r"9 × 30 pixels .* patches of 4 × 4: resize it to 8 × 32"):
        embedding(3, 8, 4)(torch.zeros(1, 3, 9, 30))


def test_an_image_smaller_than_a_patch():
    with pytest.raises(ValueError, match="resize it to 16 × 16"):
        grid_of((3, 16), 16)


@pytest.mark.parametrize(("embedding", "patch"), [(ShiftedPatchEmbedding, 1), (ConvolutionalStem, 6)])
def test_patches_that_an_embedding_cannot_have(embedding, patch):
    with pytest.raises(ValueError, match=f"of {patch} "):
        embedding(3, 8, patch)

"""The watershed and its distances against scipy's and scikit-image's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.tasks.images.components import components
from regard.tasks.images.watershed import cut_where_narrow, distance_inside


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 9999), rows=st.integers(1, 20), columns=st.integers(1, 20),
    share=st.sampled_from([0.0, 0.5, 0.9, 0.99]),
)  # fmt: skip
def test_distances_are_exact(seed: int, rows: int, columns: int, share: float) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    mask = np.random.default_rng(seed).random((rows, columns)) < share
    if mask.all():
        assert (distance_inside(mask) == np.hypot(rows, columns)).all()
    else:
        np.testing.assert_allclose(distance_inside(mask), ndimage.distance_transform_edt(mask), rtol=1e-12)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 9999))
def test_parts_are_those_that_flooding_finds_from_the_same_centres(seed: int) -> None:
    segmentation = pytest.importorskip("skimage.segmentation")
    ndimage = pytest.importorskip("scipy.ndimage")
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:80, :80]
    discs = [
        ((y - r) ** 2 + (x - c) ** 2) <= s**2 for r, c, s in draw.uniform((5, 5, 4), (75, 75, 9), (18, 3))
    ]
    labels = components(np.any(discs, axis=0))
    cut = cut_where_narrow(labels, 0.1)
    assert ((cut > 0) == (labels > 0)).all()
    assert np.unique(cut).tolist() == list(range(cut.max() + 1))
    assert cut.max() >= labels.max()
    for part in range(1, cut.max() + 1):
        assert len(np.unique(labels[cut == part])) == 1  # within one region
        assert ndimage.label(cut == part, np.ones((3, 3)))[1] == 1  # and connected
    heights = ndimage.gaussian_filter(distance_inside(labels > 0), 1.0, mode="nearest", truncate=4.0)
    markers = np.zeros_like(labels)
    for part in range(1, cut.max() + 1):
        markers.flat[np.where(cut == part, heights, -1).argmax()] = part
    flooded = segmentation.watershed(-heights, markers, mask=labels > 0)
    assert (flooded == cut)[labels > 0].mean() > 0.95  # pixels on a border may go either way

"""Networks on images of any size."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from regard.tasks.images.windows import in_windows


@given(st.integers(1, 70), st.integers(1, 70), st.integers(4, 24), st.data())
def test_windows_cover_the_image_and_count_for_one(
    rows: int, columns: int, window: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, (window - 1) // 2))
    image = torch.rand(2, rows, columns, generator=torch.Generator().manual_seed(rows))
    sizes: list[tuple[int, ...]] = []

    def network(x: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(x.shape[-2:]))
        return torch.cat([x, 1 - x], 1)

    made = in_windows(network, image, window=window, overlap=overlap, whole=0)
    torch.testing.assert_close(made, torch.cat([image, 1 - image]))
    assert max(max(size) for size in sizes) <= max(window, min(rows, columns))


def test_inside_the_windows_a_convolution_is_as_on_the_whole() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1))
    image = torch.rand(1, 64, 48)
    with torch.no_grad():
        whole = network(image[None])[0]
        pieces = in_windows(network, image, window=32, overlap=12, whole=0)
        off = (whole - pieces).abs()
        assert float(off.mean()) < 0.1 * float(whole.abs().mean())
        exact = in_windows(network, image, window=32, overlap=12)  # small enough to be taken whole
    assert torch.equal(exact, whole)


def test_as_monai_covers_an_image() -> None:
    inferers = pytest.importorskip("monai.inferers")
    torch.manual_seed(0)
    network = nn.Conv2d(1, 2, 1)
    image = torch.rand(1, 50, 70)
    with torch.no_grad():
        theirs = inferers.sliding_window_inference(image[None], (16, 16), 1, network, overlap=0.25)[0]
        ours = in_windows(network, image, window=16, overlap=4, whole=0)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_windows_that_overlap_too_much_are_refused() -> None:
    with pytest.raises(ValueError, match="by less than half"):
        in_windows(nn.Identity(), torch.rand(1, 8, 8), window=8, overlap=4)

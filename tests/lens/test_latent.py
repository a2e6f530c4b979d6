"""The latent of a U-Net, and its picture."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from regard.lens.latent import latent_of
from regard.lens.latent_picture import latent_picture
from regard.models.images.unet import UNet
from regard.models.images.unet_config import UNetConfig


def unet(width: int = 4, depth: int = 2, latent: int | None = None) -> UNet:
    torch.manual_seed(2)
    config = UNetConfig(width=width, depth=depth, latent=latent)
    return UNet(config, 1, 1, mean=[0.5], std=[0.2]).eval()


def test_components_are_those_of_the_covariance() -> None:
    network, image = unet(), torch.rand(1, 40, 52)
    latent = latent_of(network, image)
    with torch.no_grad():
        torch.testing.assert_close(latent.values, network.encode(image[None]).latent[0])
    rows = latent.values.double().flatten(1).T
    centred = rows - rows.mean(0)
    variances, directions = torch.linalg.eigh(centred.T @ centred / len(rows))
    strongest = variances.flip(0)[:3]
    torch.testing.assert_close(latent.shares.double(), strongest / variances.sum(), atol=1e-5, rtol=1e-4)
    expected = (centred @ directions.flip(1)[:, :3]).T.reshape(3, 10, 13)
    torch.testing.assert_close(latent.components.double().abs(), expected.abs(), atol=1e-4, rtol=1e-3)


def test_the_strongest_channel_varies_most_over_the_picture() -> None:
    latent = latent_of(unet(), torch.rand(1, 32, 32))
    spread = latent.values.flatten(1).std(1)[latent.strongest]
    assert torch.equal(spread, spread.sort(descending=True).values)


@pytest.mark.parametrize(
    ("size", "network"),
    [((13, 30), unet()), ((4, 4), unet(1)), ((64, 9), unet(2, 1)), ((20, 20), unet(latent=1))],
)
def test_a_picture_of_any_size_is_drawn_whole(size: tuple[int, int], network: UNet, tmp_path: Path) -> None:
    image = torch.rand(1, *size)
    path = latent_picture(image, latent_of(network, image), tmp_path / "latent.png", title="$1")
    with Image.open(path) as drawn:
        pixels = torch.tensor(list(drawn.convert("L").tobytes())).view(drawn.height, drawn.width)
    assert bool((torch.cat([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]) == 255).all())
    assert bool((pixels < 128).any())


def test_where_all_positions_are_alike_no_component_has_a_share() -> None:
    latent = latent_of(unet(), torch.rand(1, 4, 4))  # a single position
    assert latent.shares.tolist() == [0.0]
    assert latent.components.tolist() == [[[0.0]]]

"""A U-Net without some of its skip connections: what each of them carries."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from regard.models.images.unet import UNet


@contextmanager
def without_skips(network: UNet, levels: Collection[int]) -> Iterator[None]:
    """While the block runs, the skip connections of some levels carry nothing, whoever calls the network.

    Nothing is zeros, as for ``UNet.forward(without=…)``: what the level would get if it had no skip. A skip's
    mean over the picture would still say something of it, and is no gentler: of a small U-Net for nuclei it
    cost more Dice than zeros at two levels of four, less at the other two.

    Args:
        network: a trained one.
        levels: which skips; 0 is the finest. None is allowed, and changes nothing.

    Raises:
        ValueError: a level without a skip connection.

    Example:
        >>> import torch
        >>> from regard.models.images.unet_config import UNetConfig
        >>> network = UNet(UNetConfig(width=4, depth=2), 1, 1, mean=[0.0], std=[1.0]).eval()
        >>> images = torch.rand(1, 1, 8, 8)
        >>> expected = network(images, without=[0])
        >>> with without_skips(network, [0]):
        ...     torch.equal(network(images), expected)
        True
    """
    there = network.config.skip_levels
    unknown = sorted(set(levels) - set(there))
    if unknown:
        raise ValueError(
            f"level {unknown[0]} has no skip connection to switch off; levels that have: "
            f"{', '.join(map(str, there)) or 'none'}"
        )
    hooks = [network.decoder[level].register_forward_pre_hook(_alone) for level in sorted(set(levels))]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _alone(_: nn.Module, given: tuple[Tensor, Tensor | None]) -> tuple[Tensor, None]:
    """What a level of the decoder is given, without what its skip carries."""
    x, _skip = given
    return x, None

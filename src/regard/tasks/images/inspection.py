"""How strange an image is to a network that restores good ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from regard.models.images.judged_unet import JudgedUNet
from regard.tasks.images.anomaly_map import anomaly_map, anomaly_scores, smoothed
from regard.tasks.images.recipe import DetectionRecipe
from regard.tasks.images.removed_regions import region_sets, restored_from_around
from regard.tasks.images.windows import in_windows


class Inspection(NamedTuple):
    """What a network made of an image.

    Attributes:
        restored: [channels, height, width].
        heat: [height, width], float32: where image and restoration differ.
        score: a number without axes; the higher, the stranger.
    """

    restored: Tensor
    heat: Tensor
    score: Tensor


@torch.no_grad()
def inspect(network: Callable[[Tensor], Tensor], image: Tensor, recipe: DetectionRecipe) -> Inspection:
    """Restore an image and compare; the same image gives the same result.

    Where the recipe removes regions, each size of square gives a restoration and a map; their means count.
    Where the network has a judge, the map is the probability, by pixel, that it calls bad.

    Args:
        network: from [1, channels, rows, columns] to the same; it may judge.
        image: [channels, height, width], in [0, 1].
        recipe: what the network learnt to undo, and how images are compared.

    Raises:
        UserError: an image too small for any of the recipe's squares.
    """
    restorations = [restored[None] for restored in _restorations(network, image, recipe)]
    restored = torch.stack(restorations).mean(0)
    if isinstance(network, JudgedUNet):
        heat = smoothed(_judged(network, image, restored[0])[None], recipe.map.smoothing)
    else:
        maps = [anomaly_map(image[None], restored, recipe.map) for restored in restorations]
        heat = torch.stack(maps).mean(0)
    return Inspection(restored[0], heat[0], anomaly_scores(heat, image[None], restored, recipe.map)[0])


def _judged(network: JudgedUNet, image: Tensor, restored: Tensor) -> Tensor:
    """[rows, columns]: how probable it is that a pixel is bad."""
    channels = len(image)

    def bad(both: Tensor) -> Tensor:
        logits = network.judged(both[:, :channels], both[:, channels:])
        return logits.float().softmax(1)[:, 1:]

    return in_windows(bad, torch.cat((image, restored.to(image.dtype))))[0]


def _restorations(
    network: Callable[[Tensor], Tensor], image: Tensor, recipe: DetectionRecipe
) -> list[Tensor]:
    if recipe.removal is None:
        return [in_windows(network, image)]
    restorations = []
    rows, columns = image.shape[1:]
    whole = partial(in_windows, network)
    for side in recipe.removal.fitting(rows, columns):
        # Dealt anew for each image from the same seed: the result is the image's, not its neighbours'.
        generator = torch.Generator(image.device).manual_seed(side)
        regions = region_sets(1, rows, columns, generator, square=side, sets=recipe.removal.sets)
        restorations.append(restored_from_around(lambda one: whole(one[0])[None], image[None], regions)[0])
    return restorations

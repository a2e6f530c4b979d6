"""What a convolutional network sees of a picture: its effective receptive field."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def receptive_field(features: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """How much each pixel moves the feature in the middle (Luo et al. 2016, §2).

    The gradient of the middle position, summed over channels with random signs so that channels do not
    cancel, with respect to the input; its magnitude, averaged over pictures.

    Args:
        features: from images to [batch, channels, rows, columns].
        images: [batch, channels, height, width].

    Returns:
        [height, width], which sums to one.

    Example:
        >>> blur = torch.nn.AvgPool2d(3, stride=1, padding=1)
        >>> receptive_field(blur, torch.ones(1, 1, 5, 5))[2].round(decimals=3)
        tensor([0.0000, 0.1110, 0.1110, 0.1110, 0.0000])
    """
    images = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        made = features(images)
        middle = made[:, :, made.shape[2] // 2, made.shape[3] // 2]
        signs = torch.randint(0, 2, middle.shape, generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0
        (gradient,) = torch.autograd.grad((middle * signs.to(middle)).sum(), images)
    field = gradient.abs().sum(1).mean(0)
    total: Tensor = field / field.sum().clamp_min(torch.finfo(field.dtype).tiny)
    return total


def feature_of(run: Callable[[Tensor], object], layer: nn.Module) -> Callable[[Tensor], Tensor]:
    """What a layer gives while a network runs, as a function of the images.

    Args:
        run: the network, or as much of it as has the layer.
        layer: a module that it calls once, and that gives one tensor.

    Raises:
        ValueError: the layer is not called once (when the function is).

    Example:
        >>> network = torch.nn.Sequential(torch.nn.AvgPool2d(2), torch.nn.Flatten())
        >>> feature_of(network, network[0])(torch.ones(1, 3, 4, 6)).shape
        torch.Size([1, 3, 2, 3])
    """

    def features(images: Tensor) -> Tensor:
        made: list[Tensor] = []
        hook = layer.register_forward_hook(lambda _, __, given: made.append(given))
        try:
            run(images)
        finally:
            hook.remove()
        if len(made) != 1:
            raise ValueError(f"a layer that runs once has features to look at; this ran {len(made)} times")
        return made[0]

    return features


def field_distance(field: Tensor) -> float:
    """Mean distance in pixels from the field's middle of mass, weighed by the field.

    It is to a convolution what `attention_distance` is to attention.

    Args:
        field: [height, width], as `receptive_field` gives it.

    Example:
        >>> field_distance(torch.tensor([[0.0, 0.0, 0.0], [0.5, 0.0, 0.5]]))
        1.0
    """
    down, right = (torch.arange(size, dtype=field.dtype) for size in field.shape)
    places = torch.cartesian_prod(down, right).view(*field.shape, 2)
    middle = (field[..., None] * places).sum((0, 1)) / field.sum()
    return float((field * (places - middle).norm(dim=-1)).sum() / field.sum())

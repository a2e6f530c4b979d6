"""What a predictor may be told: where it runs, in what precision, and how it decodes."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import torch
from pydantic import ValidationError
from torch import nn

from regard.decoding.config import DecodingConfig
from regard.errors import UserError

Precision = Literal["float32", "bf16"]
Model = TypeVar("Model", bound=nn.Module)


def placed(model: Model, device: torch.device | str | None, precision: Precision) -> Model:
    """The model on a device (None: where it is), its weights in bfloat16 where asked.

    Raises:
        UserError: no such device or precision.
    """
    if precision not in ("float32", "bf16"):
        raise UserError(f"precision {precision!r}: there are float32 and bf16")
    if precision == "bf16":
        model = model.to(torch.bfloat16)
    if device is None:
        return model
    try:
        return model.to(device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device {str(device)!r} cannot be used: {error}") from None


def decoding_options(defaults: DecodingConfig, options: Mapping[str, Any]) -> DecodingConfig:
    """The defaults with some changed.

    Raises:
        UserError: an unknown or impossible option.

    Example:
        >>> decoding_options(DecodingConfig(), {"beam": 1}).beam
        1
        >>> decoding_options(DecodingConfig(), {"beems": 1})
        Traceback (most recent call last):
        ...
        regard.errors.UserError: decoding: beems: Extra inputs are not permitted
    """
    try:
        return DecodingConfig(**{**defaults.model_dump(), **options})
    except ValidationError as error:
        fault = error.errors()[0]
        name = "".join(f"{part}: " for part in fault["loc"])
        raise UserError(f"decoding: {name}{fault['msg'].removeprefix('Value error, ')}") from None

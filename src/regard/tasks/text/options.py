"""How a predictor that writes text is told to decode."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from regard.decoding.config import DecodingConfig
from regard.errors import UserError


def decoding_options(defaults: DecodingConfig, options: Mapping[str, Any]) -> DecodingConfig:
    """The defaults with some changed, as `DecodingConfig.changed` does it.

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
        return defaults.changed(**options)
    except ValidationError as error:
        fault = error.errors()[0]
        name = "".join(f"{part}: " for part in fault["loc"])
        raise UserError(f"decoding: {name}{fault['msg'].removeprefix('Value error, ')}") from None

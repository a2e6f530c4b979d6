"""JSON that every reader takes: Python writes NaN and Infinity, which are not JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def strict_json(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON; numbers that are not finite become null, and letters of any script stay as they are.

    Args:
        value: mappings, sequences, texts, numbers, booleans and None.
        indent: spaces for each level; all in one line unless said.

    Example:
        >>> strict_json({"dice": float("nan"), "점수": [1.5, float("inf")]})
        '{"dice": null, "점수": [1.5, null]}'
    """
    return json.dumps(_finite(value), ensure_ascii=False, indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(inner) for inner in value]
    return value

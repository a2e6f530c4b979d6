"""Writing TOML: the standard library reads it only."""

import json
import math
from collections.abc import Mapping
from typing import Any


def dump_toml(table: Mapping[str, Any]) -> str:
    """Write nested dictionaries of plain values as TOML; a ``None`` is left out, for TOML has no null.

    Args:
        table: strings, numbers, booleans, lists of these, and nested dictionaries.

    Returns:
        Text that `tomllib.loads` reads back to the same values.

    Raises:
        TypeError: a value that TOML cannot hold.

    Example:
        >>> print(dump_toml({"task": "translation", "model": {"layers": 3, "kv_heads": None}}), end="")
        task = "translation"
        <BLANKLINE>
        [model]
        layers = 3
    """
    return "\n".join(_lines(table, ())).strip() + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {
        key: value for key, value in table.items() if not isinstance(value, Mapping) and value is not None
    }
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    if path and (lines or not table):
        lines = ["", f"[{'.'.join(map(_key, path))}]", *lines]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _lines(value, (*path, key))
    return lines


def _key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else _string(key)


def _string(text: str) -> str:
    # JSON escapes are TOML escapes, except that TOML also wants DEL escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    raise TypeError(f"TOML cannot hold a {type(value).__name__}: {value!r}")

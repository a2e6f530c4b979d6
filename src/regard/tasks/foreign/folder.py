"""The folder of a Hugging Face model: what it says it is, checked before any of it is used."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from regard.errors import UserError

_LARGEST_JSON = 64 << 20  # an index of weights has a line for each
_MOST_POSITIONS = 1 << 24
# Some models compute a table of all positions, width times 32 bytes each, which no file vouches for. Models
# that read far have weights of more bytes than such a table would have numbers; others may have this many.
_SMALL_TABLE = 1 << 25
_WIDTHS = ("hidden_size", "d_model", "n_embd", "dim", "emb_dim", "embed_dim")
# Not the layers up to which something else is done, max_window_layers, say: those may be more than there are.
_COUNTS_LAYERS = re.compile(r"(?!max_)(\w+_)?(layers?|depths?)")
_USUAL_WIDTH = 1024
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack")


class ForeignFolderError(UserError):
    """A folder of another library's model that cannot be read, or must not be; the message says why."""


@dataclass(frozen=True)
class ForeignFolder:
    """A folder that was checked.

    Attributes:
        path: of it.
        config: its ``config.json``.
        size: bytes of the weights.
    """

    path: Path
    config: dict[str, Any]
    size: int

    @property
    def model_type(self) -> str:
        """The architecture, as transformers calls it."""
        return str(self.config["model_type"])


def read_foreign_folder(path: Path) -> ForeignFolder:
    """Checks a folder, reading no more than JSON and the headers of safetensors files.

    Raises:
        ForeignFolderError: no description, no safetensors, a damaged or a senseless file; each by name.

    Example:
        >>> read_foreign_folder(Path("no-such-folder"))
        Traceback (most recent call last):
        ...
        regard.tasks.foreign.folder.ForeignFolderError: no-such-folder/config.json: ...
    """
    config = json_object(path / "config.json")
    if (path / "adapter_config.json").exists():
        raise ForeignFolderError(
            f"{path}: holds an adapter, which is a part of a model; merge it into its model, save that, and "
            "look at it"
        )
    if not isinstance(config.get("model_type"), str):
        raise ForeignFolderError(f"{path / 'config.json'}: does not say what model this is (no model_type)")
    count = size = 0
    for file in _weight_files(path):
        try:
            with safe_open(file, "pt") as opened:
                count += len(opened.keys())
        except (SafetensorError, OSError) as error:
            raise ForeignFolderError(
                f"{file}: truncated, or no safetensors file: {error}; copy it again"
            ) from None
        size += file.stat().st_size
    _refuse_senseless(path, config, count, size)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > memory:
        raise ForeignFolderError(
            f"{path}: its weights are {size / 1e9:.1f} GB, and this machine's memory is {memory / 1e9:.1f} GB"
        )
    return ForeignFolder(path, config, size)


def _weight_files(path: Path) -> list[Path]:
    if (path / "model.safetensors").is_file():
        return [path / "model.safetensors"]
    index = path / "model.safetensors.index.json"
    if not index.is_file():
        raise ForeignFolderError(_why_no_weights(path))
    named = json_object(index).get("weight_map")
    names = sorted({str(name) for name in named.values()}) if isinstance(named, dict) else []
    if not names:
        raise ForeignFolderError(f"{index}: names no weights; copy it again")
    for name in names:
        if Path(name).name != name:
            raise ForeignFolderError(f"{index}: names {name!r}, which is no file of this folder")
        if not (path / name).is_file():
            raise ForeignFolderError(f"{path / name}: this file of the weights is missing; copy it again")
    return [path / name for name in names]


def _why_no_weights(path: Path) -> str:
    pickles = sorted(file.name for pattern in _PICKLES for file in path.glob(pattern))
    if pickles:
        return (
            f"{path}: its weights are in {pickles[0]} alone, a kind of file that can run code when it is "
            "read; save them anew with transformers, which writes safetensors: model.save_pretrained(FOLDER)"
        )
    return f"{path}: no weights in this folder (model.safetensors is missing)"


def _refuse_senseless(path: Path, config: dict[str, Any], weights: int, size: int) -> None:
    """Sizes that no such weights can have, before they are believed and memory is asked for."""
    width = max((value for key, value in _numbers(config) if key in _WIDTHS), default=_USUAL_WIDTH)
    for key, value in _numbers(config):
        if _COUNTS_LAYERS.fullmatch(key) and value > max(weights, 1):
            raise ForeignFolderError(
                f"{path / 'config.json'}: {key} = {value}, but there are {weights} weights in all"
            )
        if "position" in key and value > _MOST_POSITIONS:
            raise ForeignFolderError(f"{path / 'config.json'}: {key} = {value} is more than any model reads")
        if "position" in key and value * width > max(_SMALL_TABLE, size):
            raise ForeignFolderError(
                f"{path / 'config.json'}: {key} = {value}, {width} numbers each, is more than a model with "
                f"{size:,} bytes of weights reads"
            )


def _numbers(config: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _numbers(value)
        else:
            # Networks in stages have a list, one number for each.
            yield from (
                (key, one) for one in (value if isinstance(value, list) else [value]) if isinstance(one, int)
            )


def json_object(path: Path) -> dict[str, Any]:
    """A file that holds an object of JSON.

    Raises:
        ForeignFolderError: it cannot be read, or holds something else.
    """
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ForeignFolderError(f"{path}: too large to be what its name says")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ForeignFolderError(f"{path}: cannot read this file: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ForeignFolderError(f"{path}: not valid JSON: {error}; copy it again") from None
    if not isinstance(found, dict):
        raise ForeignFolderError(f"{path}: not an object of JSON; copy it again")
    return found

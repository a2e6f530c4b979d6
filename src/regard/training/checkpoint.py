"""Checkpoints that survive a kill, a full disk and a flipped bit.

A checkpoint is two files: `NAME.safetensors`, and `NAME.json` with plain facts and the hash of the first.
Each is written under another name, flushed to the disk, and renamed; the JSON comes last, so a checkpoint
without it never was one. Nothing is pickled.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from regard.errors import UserError
from regard.whole_file import TEMPORARY, replace_file


class DamagedCheckpointError(UserError):
    """A checkpoint with a missing, truncated or altered file."""


class NoSpaceError(UserError):
    """The disk is full; what was there before is still there."""


@dataclass(frozen=True)
class Checkpoint:
    """What was saved: tensors by name, and facts that JSON can hold."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def save_checkpoint(folder: Path, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint so that at any moment it is either whole or not there.

    Raises:
        NoSpaceError: the disk is full; nothing of this checkpoint stays, older ones are untouched.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> save_checkpoint(folder, "one", {"w": torch.ones(2)}, {"update": 1})
        >>> load_checkpoint(folder, "one").facts
        {'update': 1}
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights, record = folder / f"{name}.safetensors", folder / f"{name}.json"
    host = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
    try:
        replace_file(weights, lambda part: _write(host, part))
        body = {"facts": dict(facts), "sha256": _sha256(weights)}
        text = json.dumps(body | {"digest": _digest(body)}, indent=1)
        replace_file(record, lambda part: part.write_text(text, encoding="utf-8"))
    except OSError as error:
        if not is_disk_full(error):
            raise
        if not record.exists():
            weights.unlink(missing_ok=True)
        raise NoSpaceError(
            f"{weights}: no space left on the disk. Earlier checkpoints are whole: free some space and "
            "continue with --resume."
        ) from error


def load_checkpoint(folder: Path, name: str) -> Checkpoint:
    """Read a checkpoint and check that every byte is as it was written.

    Raises:
        DamagedCheckpointError: a file is missing, truncated or altered; the message names it.
    """
    facts = load_facts(folder, name)
    return Checkpoint(load_file(folder / f"{name}.safetensors"), facts)


def load_facts(folder: Path, name: str) -> dict[str, Any]:
    """The facts of a checkpoint, its tensors checked but not loaded.

    Raises:
        DamagedCheckpointError: as `load_checkpoint`.
    """
    facts, expected = _record(folder, name)
    weights = folder / f"{name}.safetensors"
    if not weights.is_file():
        raise DamagedCheckpointError(f"{weights}: missing")
    if _sha256(weights) != expected:
        raise DamagedCheckpointError(f"{weights}: truncated or altered since it was written")
    return facts


def read_facts(folder: Path, name: str) -> dict[str, Any]:
    """The facts of a checkpoint, whatever has become of its tensors.

    Raises:
        DamagedCheckpointError: the file of the facts is missing or altered.
    """
    return _record(folder, name)[0]


def _record(folder: Path, name: str) -> tuple[dict[str, Any], str]:
    """The facts of a checkpoint, and the hash that its tensors should have."""
    record = folder / f"{name}.json"
    try:
        body = json.loads(record.read_text(encoding="utf-8"))
        digest = body.pop("digest")
        facts, expected = body["facts"], body["sha256"]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise DamagedCheckpointError(f"{record}: missing or not readable as a checkpoint's facts") from error
    if digest != _digest(body):
        raise DamagedCheckpointError(f"{record}: altered since it was written")
    return dict(facts), str(expected)


def checkpoint_names(folder: Path, prefix: str) -> list[str]:
    """Names of the checkpoints that begin with `prefix`, the latest first; their files are not checked."""
    return sorted((path.stem for path in folder.glob(f"{prefix}*.json")), reverse=True)


def delete_checkpoint(folder: Path, name: str) -> None:
    """Remove a checkpoint, the JSON first: what is left of it is not a checkpoint."""
    for suffix in (".json", ".safetensors"):
        (folder / f"{name}{suffix}").unlink(missing_ok=True)


def delete_leftovers(folder: Path) -> None:
    """Remove what a killed process left half-written."""
    for path in folder.glob(f"*{TEMPORARY}"):
        path.unlink()
    for path in folder.glob("*.safetensors"):
        if not path.with_suffix(".json").exists():
            path.unlink()


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The model's parameters and buffers by name; tied ones once, under their first name.

    Example:
        >>> sorted(model_tensors(nn.Linear(1, 1)))
        ['bias', 'weight']
    """
    seen: set[tuple[int, torch.Size, tuple[int, ...]]] = set()
    unique: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        place = (tensor.data_ptr(), tensor.shape, tensor.stride())
        if tensor.numel() == 0 or place not in seen:
            seen.add(place)
            unique[name] = tensor
    return unique


def restore_model(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Set the parameters and buffers that `model_tensors` gave.

    Raises:
        ValueError: names or shapes are not the model's.
    """
    own = model_tensors(model)
    if own.keys() != tensors.keys():
        odd = sorted(own.keys() ^ tensors.keys())
        raise ValueError(f"the checkpoint and the model differ in {', '.join(odd[:5])}")
    with torch.no_grad():
        for name, tensor in own.items():
            if tensor.shape != tensors[name].shape:
                raise ValueError(f"{name} is {tuple(tensor.shape)}, saved as {tuple(tensors[name].shape)}")
            tensor.copy_(tensors[name])


def is_disk_full(error: OSError) -> bool:
    """Whether an error of the system says that the disk, or the quota, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _write(tensors: dict[str, Tensor], part: Path) -> None:
    """Write tensors; what the system refuses is an OSError, which safetensors has but in words."""
    try:
        save_file(tensors, part)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(part)) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

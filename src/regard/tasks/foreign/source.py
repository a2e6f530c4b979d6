"""From what stands after ``hf:`` to a folder on this machine."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from regard.errors import UserError, from_extra
from regard.tasks.foreign.folder import ForeignFolderError

# What is fetched of a model: its description, its weights in safetensors, its tokenizer. No pickle, no code.
_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.spm"]
_ELSEWHERE = ["*/*"]
_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


def find_foreign(path_or_name: str) -> Path:
    """The folder of a model: one on this machine, one fetched before, or one that is fetched now.

    Args:
        path_or_name: a folder, or the name of a model on huggingface.co, such as ``openai-community/gpt2``.

    Raises:
        ForeignFolderError: no such folder or model, no network, no leave, no room; the message says which.
        UserError: the extra ``hub`` is not installed.

    Example:
        >>> find_foreign("./no-such-folder")
        Traceback (most recent call last):
        ...
        regard.tasks.foreign.folder.ForeignFolderError: ./no-such-folder: there is no such folder
    """
    if not path_or_name:
        raise ForeignFolderError("hf: names no model; give a folder, or a name at huggingface.co: hf:DIR")
    path = Path(path_or_name).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise ForeignFolderError(f"{path}: is a file; give the folder that it lies in")
    if not _NAME.fullmatch(path_or_name) or path_or_name.startswith("."):
        raise ForeignFolderError(f"{path_or_name}: there is no such folder")
    hub = from_extra("huggingface_hub", "hub")
    try:
        found = _snapshot(hub, path_or_name, local_files_only=True)
    except hub.errors.HFValidationError:
        raise ForeignFolderError(f"{path_or_name}: no folder, and no name that a model can have") from None
    except (hub.errors.LocalEntryNotFoundError, OSError):
        found = None
    if found is not None and (found / "config.json").is_file() and any(found.glob("*.safetensors")):
        return found
    return _fetched(hub, path_or_name)


def _fetched(hub: Any, name: str) -> Path:
    """A model from huggingface.co, into the user's cache."""
    errors = hub.errors
    try:
        files = hub.HfApi().model_info(name, files_metadata=True, timeout=10).siblings or []
        _refuse_what_cannot_be_kept(name, {file.rfilename: file.size or 0 for file in files})
        return _snapshot(hub, name, local_files_only=False)
    except errors.GatedRepoError:
        raise ForeignFolderError(
            f"{name}: its owners ask who uses it; agree at huggingface.co/{name}, then log in: hf auth login"
        ) from None
    except errors.RepositoryNotFoundError:
        raise ForeignFolderError(
            f"{name}: no folder, and no model of huggingface.co (if it is private, log in: hf auth login)"
        ) from None
    except UserError:
        raise
    # Whatever the network, a proxy or a disc may say; what a library raises for it differs between versions.
    except Exception as error:
        told = str(error).strip().splitlines() or [type(error).__name__]
        raise ForeignFolderError(
            f"{name}: there is no such folder, and it cannot be fetched from huggingface.co: {told[0]} "
            "(with no network, give the folder of a model that was fetched elsewhere: hf:DIR)"
        ) from None


def _snapshot(hub: Any, name: str, *, local_files_only: bool) -> Path:
    return Path(
        hub.snapshot_download(
            name, allow_patterns=_FILES, ignore_patterns=_ELSEWHERE, local_files_only=local_files_only
        )
    )


def _refuse_what_cannot_be_kept(name: str, sizes: dict[str, int]) -> None:
    if not any(file.endswith(".safetensors") and "/" not in file for file in sizes):
        raise ForeignFolderError(
            f"{name}: has no weights in safetensors; other kinds of file can run code when they are read, "
            "and Regard reads none of them"
        )
    wanted = sum(size for file, size in sizes.items() if file.endswith(".safetensors") and "/" not in file)
    free = shutil.disk_usage(Path.home()).free
    if wanted > free:
        raise ForeignFolderError(
            f"{name}: its weights are {wanted / 1e9:.1f} GB, and there are {free / 1e9:.1f} GB free"
        )

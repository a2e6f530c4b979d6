"""The model folder: weights, recipe, tokenizers, metrics and card, each guarded by a hash."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as dump_safetensors
from torch import Tensor, nn

from regard.data.text.tokenizer import Tokenizer
from regard.strict_json import strict_json
from regard.tasks.layout import (
    CARD,
    HASHES,
    METRICS,
    RECIPE,
    WEIGHTS,
    ModelFolderError,
    find_model,
    is_finished,
    tokenizer_file,
)
from regard.tasks.recipe import Recipe, read_resolved
from regard.training.checkpoint import model_tensors
from regard.whole_file import write_atomically


@dataclass(frozen=True)
class ModelFolder:
    """What a checked model folder holds.

    Attributes:
        path: the folder.
        recipe: the resolved recipe that the model was trained by.
        tokenizers: by name: ``{"": joint}``, or ``{"source": …, "target": …}``; none where nothing is text.
        metrics: figures written after training; a `classes` list for classifiers.
        weights: parameter name -> float32 tensor.
        card: the text of its README.md.
        digest: of the file of the weights, sha256.
    """

    path: Path
    recipe: Recipe
    tokenizers: dict[str, Tokenizer]
    metrics: dict[str, Any]
    weights: dict[str, Tensor]
    card: str
    digest: str


def save_model(
    path: Path,
    *,
    model: nn.Module,
    recipe: Recipe,
    tokenizers: Mapping[str, Tokenizer],
    metrics: Mapping[str, Any],
    card: str,
    overwrite: bool = False,
) -> None:
    """Write a model folder; every file is complete or absent, and the hashes come last.

    Args:
        path: the folder; it may exist and hold other things (checkpoints, logs), but not a model.
        model: its parameters are written as the recipe's `weights` says (float32 or float16).
        tokenizers: ``{"": joint}`` gives tokenizer.json; other names give NAME-tokenizer.json.
        metrics: figures, as JSON values.
        card: the text of README.md.
        overwrite: replace a model that is there already.

    Raises:
        ModelFolderError: a model is there already and `overwrite` is false.
    """
    # Weights without hashes may be of another library.
    if (path / WEIGHTS).exists() and not overwrite:
        raise ModelFolderError(f"{path}: there is a model in this folder already; choose another folder")
    path.mkdir(parents=True, exist_ok=True)
    files = {WEIGHTS: dump_safetensors(_stored(model, recipe.weights), {"format": "pt"})}
    for name, tokenizer in tokenizers.items():
        files[tokenizer_file(name)] = tokenizer.to_bytes()
    files[RECIPE] = recipe.to_toml().encode()
    files[METRICS] = (strict_json(metrics, indent=2) + "\n").encode()
    files[CARD] = card.encode()
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    (path / HASHES).unlink(missing_ok=True)  # half a rewrite must not look like a whole model
    for name, data in {**files, HASHES: sums.encode()}.items():
        write_atomically(path / name, data)


def load_folder(path_or_name: str | Path, *, task: str | None = None) -> ModelFolder:
    """Read and check a model folder; nothing in it is ever unpickled.

    Args:
        path_or_name: a folder, or the name of a model that ships with the library (`shipped_models`).
        task: refuse a model of another task.

    Raises:
        ModelFolderError: no such model, a missing, truncated or altered file (named), another task.

    Example:
        >>> load_folder("no-such-model")
        Traceback (most recent call last):
        ...
        regard.tasks.layout.ModelFolderError: no-such-model: neither a model folder nor a model ...
    """
    path = find_model(path_or_name)
    files = _checked_files(path)
    recipe = read_resolved(path / RECIPE)
    if task is not None and recipe.task != task:
        raise ModelFolderError(f"{path}: this model's task is {recipe.task}; a model for {task} is needed")
    try:
        stored = parse_safetensors(files[WEIGHTS])
    except SafetensorError as error:
        raise ModelFolderError(f"{path / WEIGHTS}: not a safetensors file: {error}") from None
    weights = {name: w.float() if w.is_floating_point() else w for name, w in stored.items()}
    for name in recipe.tokenizer_names:
        if tokenizer_file(name) not in files:
            raise ModelFolderError(
                f"{path / HASHES}: no hash for {tokenizer_file(name)}; copy the model again"
            )
    tokenizers = {
        name.removesuffix("tokenizer.json").removesuffix("-"): Tokenizer.from_bytes(data, str(path / name))
        for name, data in files.items()
        if name.endswith("tokenizer.json")
    }
    card = files[CARD].decode(errors="replace")
    digest = hashlib.sha256(files[WEIGHTS]).hexdigest()
    return ModelFolder(path, recipe, tokenizers, read_metrics(path), weights, card, digest)


def read_metrics(path: Path) -> dict[str, Any]:
    """The figures that training wrote into a model folder.

    Raises:
        ModelFolderError: the file is missing, or damaged.
    """
    try:
        metrics = json.loads((path / METRICS).read_bytes())
    except OSError as error:
        raise ModelFolderError(f"{path / METRICS}: cannot read this file: {error.strerror}") from None
    except ValueError as error:
        raise ModelFolderError(f"{path / METRICS}: not valid JSON: {error}; copy the model again") from None
    if not isinstance(metrics, dict):
        raise ModelFolderError(f"{path / METRICS}: not an object of JSON; copy the model again")
    return metrics


def add_metrics(path: Path, more: Mapping[str, Any]) -> None:
    """Writes more figures into a model folder's metrics.json, and its new hash; the rest stays.

    A process that is killed between the two files leaves a model that is refused, never one half changed.

    Raises:
        ModelFolderError: the folder holds no whole model.
        UserError: it cannot be written.
    """
    files = _checked_files(path)
    files[METRICS] = (strict_json({**read_metrics(path), **more}, indent=2) + "\n").encode()
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    write_atomically(path / METRICS, files[METRICS])
    write_atomically(path / HASHES, sums.encode())


def fill_model(model: nn.Module, folder: ModelFolder) -> None:
    """Copy a folder's weights into a freshly built model, every parameter exactly once.

    Raises:
        ModelFolderError: the weights do not fit the model that the recipe describes.
    """
    source = folder.path / WEIGHTS
    try:
        missing, unexpected = model.load_state_dict(folder.weights, strict=False)
    except RuntimeError as error:
        raise ModelFolderError(f"{source}: the weights do not fit {RECIPE}: {error}") from None
    lost = [name for name in model_tensors(model) if name in missing]
    if lost or unexpected:
        raise ModelFolderError(
            f"{source}: the weights do not fit {RECIPE}: missing {lost[:3]}, unexpected {unexpected[:3]}"
        )


def mix_in(model: nn.Module, folder: ModelFolder, share: float) -> None:
    """Make a model's weights the mean of its own and, with that share, a folder's, which must fit.

    The mean of a model that has gone on learning and what it began from keeps more of what that knew than it
    costs of what is new (Wortsman et al. 2022, Robust fine-tuning of zero-shot models).
    """
    with torch.no_grad():
        for name, tensor in model_tensors(model).items():
            if tensor.is_floating_point():
                tensor.lerp_(folder.weights[name].to(tensor), share)


def _checked_files(path: Path) -> dict[str, bytes]:
    if not is_finished(path):
        if not (path / WEIGHTS).exists() and (path / RECIPE).is_file():
            raise ModelFolderError(
                f"{path}: its training is not finished; go on with regard train … --resume"
            )
        raise ModelFolderError(
            f"{path / HASHES}: this file is missing, so the model cannot be checked; copy it again, or, if "
            "its training was cut off, go on with regard train … --resume"
        )
    wanted: dict[str, str] = {}
    for line in (path / HASHES).read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        if Path(name).name != name or not name:
            raise ModelFolderError(
                f"{path / HASHES}: '{line}' is not a hash and a file name; copy the model again"
            )
        wanted[name] = digest
    for name in (WEIGHTS, RECIPE, METRICS, CARD):
        if name not in wanted:
            raise ModelFolderError(f"{path / HASHES}: no hash for {name}; copy the model again")
    files: dict[str, bytes] = {}
    for name, digest in wanted.items():
        if not (path / name).is_file():
            raise ModelFolderError(f"{path / name}: this file of the model is missing; copy the model again")
        files[name] = (path / name).read_bytes()
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise ModelFolderError(
                f"{path / name}: truncated or altered (its hash is not that in {HASHES}); copy the model "
                f"again, or, if you changed it yourself, put its new sha256sum into {HASHES}"
            )
    return files


def _stored(model: nn.Module, weights: str) -> dict[str, Tensor]:
    """The state of a model, tied parameters once, in the type that is stored."""

    def kind(tensor: Tensor) -> torch.dtype:
        return torch.float16 if weights == "float16" and tensor.is_floating_point() else tensor.dtype

    return {
        name: tensor.detach().to("cpu", kind(tensor)).contiguous()
        for name, tensor in model_tensors(model).items()
    }

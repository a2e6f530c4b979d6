"""From a checked folder to a model with its weights, by transformers, whose own code runs and no other."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from regard.counted import counted
from regard.errors import from_extra
from regard.tasks.device import usable_device
from regard.tasks.foreign.folder import ForeignFolder, ForeignFolderError, read_foreign_folder
from regard.tasks.foreign.model import MESSAGE, ForeignModel
from regard.tasks.foreign.pictures import ForeignPictureModel
from regard.tasks.foreign.source import find_foreign
from regard.tasks.foreign.texts import ForeignTextModel

# Of a folder only what is there is read, no code of its own is run, and no pickle is opened.
_SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "*.spm")


def load_foreign(path_or_name: str, *, device: torch.device | str | None = None) -> ForeignModel:
    """A model of Hugging Face that can be looked at: one of texts, or one of pictures.

    It is read as it is, in the precision of its weights, and runs on torch's fused attention.

    Args:
        path_or_name: a folder, or a name on huggingface.co, which is fetched once.
        device: None is the CPU.

    Raises:
        ForeignFolderError: what cannot be read, is not safe to, or is of a kind that cannot be looked at.
        UserError: the extra ``hub`` is not installed, or there is no such device.
    """
    transformers = from_extra("transformers", "hub")
    folder = read_foreign_folder(find_foreign(path_or_name))
    if folder.model_type not in transformers.CONFIG_MAPPING:
        raise ForeignFolderError(
            f"{folder.path}: transformers {transformers.__version__} has no model {folder.model_type!r}; "
            + (
                "it needs code of its own, which Regard never runs"
                if "auto_map" in folder.config
                else "a later version may have it"
            )
        )
    name = f"hf:{path_or_name}"
    with _quietly(transformers):
        config = _told(folder, "config.json", transformers.AutoConfig.from_pretrained)
        if _reads_pictures(transformers, config):
            return ForeignPictureModel(name, _model(folder, transformers.AutoModel, device), folder.path)
        if getattr(config, "vocab_size", None):
            across = bool(getattr(config, "is_encoder_decoder", False))
            kind = transformers.AutoModelForSeq2SeqLM if across else transformers.AutoModel
            tokenizer = _tokenizer(transformers, folder)
            model = _model(folder, kind, device)
            return ForeignTextModel(name, model, tokenizer)
    raise ForeignFolderError(
        f"{folder.path}: a {folder.model_type} model reads neither texts alone nor pictures in patches; run "
        "it yourself, and look at it with regard.look(model)"
    )


def _reads_pictures(transformers: Any, config: Any) -> bool:
    """Whether pictures in patches are all that a model is given; some of these have vocabularies too."""
    kind = transformers.MODEL_MAPPING.get(type(config), None)
    return bool(
        getattr(kind, "main_input_name", None) == "pixel_values"
        and getattr(config, "image_size", None)
        and getattr(config, "patch_size", None)
    )


def _model(folder: ForeignFolder, kind: Any, device: torch.device | str | None) -> Any:
    read = _told(
        folder,
        "this model",
        kind.from_pretrained,
        use_safetensors=True,
        attn_implementation="sdpa",
        dtype="auto",
        output_loading_info=True,
    )
    model, info = read
    # What is not in the file is random. A pooler comes behind all attention, and many files lack it.
    missing = sorted(key for key in info["missing_keys"] if "pooler" not in key)
    if missing:
        raise ForeignFolderError(
            f"{folder.path}: {counted(len(missing), 'weight is', 'weights are')} missing, such as "
            f"{missing[0]!r}; what it attends to would be by chance"
        )
    model = model.eval()
    return model if device is None else model.to(usable_device(device))


def _tokenizer(transformers: Any, folder: ForeignFolder) -> Any:
    if not any(any(folder.path.glob(pattern)) for pattern in _TOKENIZERS):
        raise ForeignFolderError(f"{folder.path}: no tokenizer in this folder (tokenizer.json is missing)")
    return _told(folder, "its tokenizer", transformers.AutoTokenizer.from_pretrained)


def _told(folder: ForeignFolder, what: str, read: Any, **options: Any) -> Any:
    """Reads a part of a folder; whatever goes wrong is told in one sentence."""
    try:
        return read(str(folder.path), **_SAFELY, **options)
    # A foreign library meets a file that may hold anything. Some tokenizers panic, which is no Exception.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = " ".join(lines)[:MESSAGE] or type(error).__name__
        raise ForeignFolderError(f"{folder.path}: {what} cannot be read: {told}") from None


@contextmanager
def _quietly(transformers: Any) -> Iterator[None]:
    """Without transformers' bars and warnings, which are for those who train."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()

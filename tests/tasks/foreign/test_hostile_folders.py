"""Folders of Hugging Face's that are damaged, senseless or dangerous: each is refused in plain words."""

from __future__ import annotations

import json
import pickle
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

import regard
from regard.tasks.foreign import ForeignFolderError

Folder = Callable[[str], Path]


@pytest.fixture
def copy(folder: Folder, tmp_path: Path) -> Path:
    """A sound folder, to be damaged."""
    shutil.copytree(folder("bert"), tmp_path / "model")
    return tmp_path / "model"


def refused(path: Path | str, told: str) -> None:
    with pytest.raises(ForeignFolderError, match=told):
        regard.load(f"hf:{path}")


def change(path: Path, **changes: Any) -> None:
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | changes))


class Bomb:
    def __reduce__(self) -> Any:
        return (Path("exploded").write_text, ("",))


def test_no_pickle_is_opened(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    refused(copy, r"its weights are in pytorch_model\.bin alone, .* can run code")
    (copy / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    refused(copy, r"model\.safetensors: truncated, or no safetensors file")
    assert not Path("exploded").exists()


def test_no_code_of_a_folder_runs(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    (copy / "modeling_evil.py").write_text("open('exploded', 'w')\nclass Evil: pass\nConfig = Evil\n")
    auto = {"AutoConfig": "modeling_evil.Config", "AutoModel": "modeling_evil.Evil"}
    change(copy, auto_map=auto, model_type="evil")
    refused(copy, "has no model 'evil'; it needs code of its own, which Regard never runs")
    # Of a known kind, transformers' own code reads it, and the folder's stays unread.
    change(copy, auto_map=auto, model_type="bert")
    assert regard.load(f"hf:{copy}")("The cat.").attention
    tokenizer = json.loads((copy / "tokenizer_config.json").read_text())
    tokenizer |= {"auto_map": {"AutoTokenizer": ["modeling_evil.Evil", None]}}
    (copy / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    with suppress(ForeignFolderError):  # it may be refused, or be read without its code
        regard.load(f"hf:{copy}")
    assert not Path("exploded").exists()


def test_what_is_missing_or_damaged_is_named(copy: Path) -> None:
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[:-100])
    refused(copy, r"model\.safetensors: truncated")
    (copy / "model.safetensors").write_bytes(whole)
    tokenizer = (copy / "tokenizer.json").read_bytes()
    (copy / "tokenizer.json").write_bytes(tokenizer[:200])
    refused(copy, "its tokenizer cannot be read: ")
    for file in copy.glob("tokenizer*"):
        file.unlink()
    refused(copy, "no tokenizer in this folder")
    (copy / "config.json").write_text("{")
    refused(copy, r"config\.json: not valid JSON")
    (copy / "config.json").write_text("[" * 100_000)
    refused(copy, r"config\.json: not ")
    (copy / "config.json").write_text("{}")
    refused(copy, "does not say what model this is")
    (copy / "config.json").unlink()
    refused(copy, r"config\.json: cannot read this file: No such file")


def test_what_only_fails_when_it_runs_is_told(folder: Folder, tmp_path: Path) -> None:
    shutil.copytree(folder("marian"), tmp_path / "model")
    told = json.loads((tmp_path / "model" / "generation_config.json").read_text())
    told |= {"decoder_start_token_id": 10**9}
    (tmp_path / "model" / "generation_config.json").write_text(json.dumps(told))
    with pytest.raises(regard.UserError, match="hf:"):
        regard.load(f"hf:{tmp_path / 'model'}")("The cat sat.")


@pytest.mark.parametrize(
    "told", ["[" * 100_000, "[]", '{"image_mean": []}', '{"image_mean": [NaN, 0, 0]}',
             '{"image_std": [0, 1, 1]}', '{"image_std": [Infinity, 1, 1]}', '{"image_std": [1]}',
             '{"size": {"height": 16}}'],
)  # fmt: skip
def test_pictures_that_cannot_be_prepared(folder: Folder, tmp_path: Path, told: str) -> None:
    shutil.copytree(folder("vit"), tmp_path / "model")
    (tmp_path / "model" / "preprocessor_config.json").write_text(told)
    refused(tmp_path / "model", r"preprocessor_config\.json|pictures prepared so cannot be")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"num_hidden_layers": 10**9}, r"num_hidden_layers = 1000000000, but there are \d+ weights"),
        ({"depths": [2, 10**9]}, r"depths = 1000000000, but there are \d+ weights"),
        ({"max_position_embeddings": 10**12}, "more than any model reads"),
        ({"num_hidden_layers": 3}, r"16 weights are missing, such as .*layer\.2"),
        ({"hidden_size": 48}, "this model cannot be read|weights are missing"),
        ({"num_attention_heads": 5}, "this model cannot be read"),
        ({"model_type": "clip"}, "weights are missing|reads neither texts alone nor pictures"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}}, "cannot be read"),
    ],
)
def test_senseless_descriptions_are_refused(copy: Path, changes: dict[str, Any], told: str) -> None:
    change(copy, **changes)
    refused(copy, told)


def test_no_memory_is_asked_for_a_table_that_no_weights_go_with(folder: Folder, tmp_path: Path) -> None:
    shutil.copytree(folder("marian"), tmp_path / "model")
    change(tmp_path / "model", max_position_embeddings=1 << 22)  # 4 GB of Python's floats and more
    began = time.monotonic()
    refused(tmp_path / "model", r"max_position_embeddings = 4194304, 32 numbers each, is more than a model")
    assert time.monotonic() - began < 5
    change(tmp_path / "model", max_position_embeddings=100)
    assert regard.load(f"hf:{tmp_path / 'model'}")("The cat.").attention


def test_an_index_names_files_of_its_folder_alone(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy.parent / "elsewhere.safetensors")
    index = copy / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../elsewhere.safetensors"}}))
    refused(copy, "which is no file of this folder")
    index.write_text(json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors"}}))
    refused(copy, "this file of the weights is missing")
    (copy / "adapter_config.json").write_text('{"base_model_name_or_path": "somewhere/else"}')
    refused(copy, "holds an adapter")


def test_a_tokenizer_of_another_model_is_told(copy: Path, folder: Folder) -> None:
    for file in copy.glob("tokenizer*"):
        file.unlink()
    for file in folder("gpt2").glob("tokenizer*"):
        shutil.copy(file, copy / file.name)
    with pytest.raises(regard.UserError, match="they do not belong together"):
        regard.load(f"hf:{copy}")("zebra")


def test_names_that_cannot_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody listens there: as on a machine with no network.
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    refused("../no/such/folder", "there is no such folder")
    refused("no/such/folder", "there is no such folder")
    refused("", "hf: names no model; give a folder")
    refused("a--b", "no folder, and no name that a model can have")
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file", "is a file; give the folder")
    refused("nobody/nothing", r"there is no such folder, and it cannot be fetched from huggingface\.co")

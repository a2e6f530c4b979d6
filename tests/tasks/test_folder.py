"""Model folders: whole or refused by name."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

import regard
from regard import UserError
from regard.tasks import load_folder
from regard.tasks.folder import fill_model, save_model
from regard.tasks.layout import ModelFolderError
from regard.tasks.text.translator import new_model
from regard.tasks.text.vocabularies import Vocabularies

FILES = ["model.safetensors", "recipe.toml", "tokenizer.json", "metrics.json", "README.md"]


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    target = tmp_path / "copy"
    target.mkdir()
    for name in [*FILES, "SHA256SUMS"]:
        shutil.copy(model_folder / name, target / name)
    return target


def save(folder: Path, path: Path, **options: object) -> None:
    loaded = load_folder(folder)
    vocabularies = Vocabularies.of(loaded.tokenizers)
    model = new_model(loaded.recipe, vocabularies)
    fill_model(model, loaded)
    recipe = loaded.recipe.model_copy(update={"weights": options.pop("weights", "float32")})
    save_model(
        path,
        model=model,
        recipe=recipe,
        tokenizers=loaded.tokenizers,
        metrics=loaded.metrics,
        card="",
        **options,
    )


def test_a_copy_loads_and_translates_alike(copy, model_folder):
    first, second = regard.load(model_folder)("one red cat."), regard.load(copy)("one red cat.")
    assert (first.text, first.score) == (second.text, second.score)


@pytest.mark.parametrize("name", [*FILES, "SHA256SUMS"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(ModelFolderError, match=name.replace(".", r"\.")):
        regard.load(copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data[:20] + b"#" + data[21:]])
def test_a_changed_file_is_named(copy, name, change):
    (copy / name).write_bytes(change((copy / name).read_bytes()))
    with pytest.raises(ModelFolderError, match=rf"{name}.*altered".replace(".json", r"\.json")):
        regard.load(copy)


@pytest.mark.parametrize("sums", ["", "abc  ../../etc/passwd\n", "nonsense\n", "\x00\xff"])
def test_broken_hashes_are_refused(copy, sums):
    (copy / "SHA256SUMS").write_text(sums, encoding="utf-8")
    with pytest.raises(ModelFolderError, match="SHA256SUMS"):
        regard.load(copy)


@pytest.mark.parametrize(
    ("name", "text"), [("metrics.json", "{"), ("metrics.json", "[]"), ("tokenizer.json", None)]
)
def test_damage_under_a_hash_that_agrees_is_named(copy, name, text):
    sums = (copy / "SHA256SUMS").read_text("utf-8").splitlines()
    kept = [line for line in sums if not line.endswith(f"  {name}")]
    if text is not None:
        (copy / name).write_text(text, encoding="utf-8")
        kept.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}")
    (copy / "SHA256SUMS").write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(ModelFolderError, match=name.replace(".", r"\.")):
        regard.load(copy)


def test_another_task_is_refused(model_folder):
    with pytest.raises(ModelFolderError, match=r"task is translation.*classification"):
        regard.load(model_folder, task="text-classification")


def test_no_model_at_all(tmp_path):
    with pytest.raises(ModelFolderError, match="no model in this folder"):
        regard.load(tmp_path)
    with pytest.raises(ModelFolderError, match="neither a model folder nor"):
        regard.load("en-xx")


def test_a_model_is_not_overwritten_unasked(copy, model_folder):
    before = (copy / "model.safetensors").read_bytes()
    with pytest.raises(ModelFolderError, match="choose another folder"):
        save(model_folder, copy)
    assert (copy / "model.safetensors").read_bytes() == before
    save(model_folder, copy, overwrite=True)
    regard.load(copy)


def test_half_precision_on_disk_is_float32_in_memory(model_folder, tmp_path):
    save(model_folder, tmp_path / "half", weights="float16")
    whole, half = load_folder(model_folder), load_folder(tmp_path / "half")
    sizes = [(folder.path / "model.safetensors").stat().st_size for folder in (whole, half)]
    assert sizes[1] < 0.6 * sizes[0]
    for name, tensor in half.weights.items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, whole.weights[name], rtol=1e-3, atol=1e-4)


def test_tied_weights_are_stored_once(model_folder):
    names = load_folder(model_folder).weights
    assert sum(name.endswith("embedding.weight") or name == "output.weight" for name in names) == 1


def test_weights_of_another_shape_are_refused(model_folder):
    loaded = load_folder(model_folder)
    recipe = loaded.recipe.model_copy(update={"model": loaded.recipe.model.model_copy(update={"width": 32})})
    with pytest.raises(ModelFolderError, match="do not fit"):
        fill_model(new_model(recipe, Vocabularies.of(loaded.tokenizers)), loaded)
    deeper = loaded.recipe.model_copy(update={"model": loaded.recipe.model.model_copy(update={"layers": 2})})
    with pytest.raises(ModelFolderError, match="missing"):
        fill_model(new_model(deeper, Vocabularies.of(loaded.tokenizers)), loaded)


def test_the_folder_is_described(model_folder):
    metrics = json.loads((model_folder / "metrics.json").read_text("utf-8"))
    assert metrics["data"]["train"]["kept"] > 50
    assert metrics["validation"]["loss"] > 0
    assert metrics["signatures"]["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    card = (model_folder / "README.md").read_text("utf-8")
    assert "Limits" in card
    assert f"{metrics['parameters']:,} parameters" in card
    assert (model_folder / "curves.png").exists()


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, model_folder):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left"):
        save(model_folder, tmp_path / "new")
    assert not list((tmp_path / "new").glob("*"))


def test_weights_of_another_library_are_not_replaced_unasked(model_folder, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"theirs")
    with pytest.raises(ModelFolderError, match="there is a model in this folder"):
        save(model_folder, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == b"theirs"
    save(model_folder, tmp_path, overwrite=True)
    assert regard.load(tmp_path)("one red cat.").tokens

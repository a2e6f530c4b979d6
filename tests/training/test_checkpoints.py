import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from toy import ToyBatch, ToyModel, ToyTask, trainer

from regard.errors import UserError
from regard.training import Loss, run
from regard.training.archive import Archive
from regard.training.checkpoint import (
    DamagedCheckpointError,
    NoSpaceError,
    checkpoint_names,
    load_checkpoint,
    model_tensors,
    restore_model,
    save_checkpoint,
)
from regard.training.state import RunState


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "draw_curves", lambda folder: None)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 2), "b": torch.arange(4), "c": torch.randn(4, 4).t(), "d": torch.zeros(())}
    save_checkpoint(tmp_path, "x", tensors, {"float": 0.1, "list": [1, None]})
    back = load_checkpoint(tmp_path, "x")
    assert back.facts == {"float": 0.1, "list": [1, None]}
    assert all(torch.equal(back.tensors[name], tensor) for name, tensor in tensors.items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.json", "x.safetensors"]


@pytest.mark.parametrize("file", ["x.json", "x.safetensors"])
@pytest.mark.parametrize("harm", ["missing", "truncated", "altered", "emptied"])
def test_any_damage_is_seen(tmp_path: Path, file: str, harm: str) -> None:
    save_checkpoint(tmp_path, "x", {"a": torch.zeros(50)}, {"update": 7, "text": "seven"})
    path = tmp_path / file
    data = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm == "altered":
        place = data.index(b"seven") if file.endswith("json") else len(data) - 9
        path.write_bytes(data[:place] + b"\x41" + data[place + 1 :])
    else:
        path.write_bytes(data[: len(data) // 2] if harm == "truncated" else b"")
    with pytest.raises(DamagedCheckpointError, match=file):
        load_checkpoint(tmp_path, "x")


def test_tied_weights_are_kept_once_and_come_back_tied() -> None:
    model, other = ToyModel(seed=1), ToyModel(seed=2)
    tensors = model_tensors(model)
    assert "output.weight" not in tensors
    restore_model(other, tensors)
    assert other.output.weight is other.embedding.weight
    assert torch.equal(other.output.weight, model.embedding.weight)
    with pytest.raises(ValueError, match="differ in hidden"):
        restore_model(other, {k: v for k, v in tensors.items() if k != "hidden.weight"})


def test_a_damaged_checkpoint_is_left_aside_for_the_one_before(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    whole.fit()
    for harmed in ("state-00000040.safetensors", "weights-00000040.json"):
        folder = tmp_path / harmed
        trainer(folder).fit()
        path = folder / "checkpoints" / harmed
        path.write_bytes(path.read_bytes()[:-10])
        made = trainer(folder)
        made.fit(resume=True)
        for mine, other in zip(made.job.model.parameters(), whole.job.model.parameters(), strict=True):
            assert torch.equal(mine, other)


def test_a_damaged_state_is_not_one_of_the_two_that_are_kept(tmp_path: Path) -> None:
    class Stopping(ToyTask):
        def loss(self, model: nn.Module, batch: ToyBatch) -> Loss:
            if int(model.calls) == 37:
                raise KeyboardInterrupt
            return super().loss(model, batch)

    trainer(tmp_path, checkpoint_every=5).fit()
    folder = tmp_path / "checkpoints"
    (folder / "state-00000040.safetensors").write_bytes(b"")
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, task=Stopping(), checkpoint_every=5).fit(resume=True)
    assert checkpoint_names(folder, "state-") == ["state-00000035"]


def test_with_all_checkpoints_damaged_the_error_names_them(tmp_path: Path) -> None:
    trainer(tmp_path).fit()
    for path in (tmp_path / "checkpoints").glob("state-*.json"):
        path.write_text("{")
    with pytest.raises(UserError, match=r"No whole checkpoint.*state-00000040\.json.*state-00000030\.json"):
        trainer(tmp_path).fit(resume=True)


def test_old_checkpoints_are_removed_unless_needed(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for update in (1, 2, 3, 4, 5):
        archive.save_weights(update, {"w": torch.full((1,), float(update))})
        state = RunState(update=update, best_update=1, recent=[u for u in (update - 1, update) if u])
        archive.save_state(state, {}, {})
    names = sorted(path.stem for path in tmp_path.glob("*.json"))
    weights = [f"weights-0000000{update}" for update in (1, 3, 4, 5)]
    assert names == ["state-00000004", "state-00000005", *weights]
    assert archive.weights([3, 5])["w"].item() == 4.0


@pytest.mark.parametrize("call", [5, 9, 10])
def test_a_full_disk_keeps_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    calls = 0
    flush = os.fsync

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls >= call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NoSpaceError, match="no space left"):
            trainer(tmp_path).fit()
    assert not list((tmp_path / "checkpoints").glob("*.part"))
    made, whole = trainer(tmp_path), trainer(tmp_path / "whole")
    made.fit(resume=True)
    whole.fit()
    for mine, other in zip(made.job.model.parameters(), whole.job.model.parameters(), strict=True):
        assert torch.equal(mine, other)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 KiB, where the machine lets us have one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small disk")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    (small_disk / "other").write_bytes(bytes(12_000))
    with pytest.raises(NoSpaceError, match="no space left"):
        trainer(small_disk).fit()
    assert Archive(small_disk / "checkpoints").latest() is not None
    (small_disk / "other").unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_file_that_may_not_be_so_large_is_told_by_the_system(tmp_path: Path) -> None:
    """What safetensors has in words only is an OSError, which the command tells in a line."""
    code = (
        "import resource, sys, torch\n"
        "from pathlib import Path\n"
        "from regard.training.checkpoint import save_checkpoint\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    save_checkpoint(Path(sys.argv[1]), 'one', {'w': torch.ones(9000)}, {})\n"
        "except OSError as error:\n"
        "    print(error.errno)\n"
    )
    found = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True)
    assert int(found.stdout) == errno.EFBIG
    assert list(tmp_path.iterdir()) == []

"""Runs that are killed, in processes of their own."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import toy
from processes import ended, start
from safetensors.torch import load_file

from regard.training.log import read_log


def losses(folder: Path) -> list[dict[str, Any]]:
    timed = ("seconds", "tokens_per_second")
    return [{key: line[key] for key in line if key not in timed} for line in read_log(folder)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    assert ended(start(folder)) == 0
    return folder


def assert_same_end(folder: Path, whole: Path) -> None:
    mine, other = load_file(folder / "final"), load_file(whole / "final")
    assert mine.keys() == other.keys()
    for name in mine:
        assert mine[name].numpy().tobytes() == other[name].numpy().tobytes(), name
    assert losses(folder) == losses(whole)


@pytest.mark.parametrize(
    "kills",
    [
        [("loss", 3)],  # before the first checkpoint
        [("loss", 24), ("loss", 9)],  # mid-epoch, twice
        [("half-written", 1), ("half-written", 2), ("half-written", 4)],
        [("flush", 5), ("flush", 6), ("flush", 7), ("flush", 8), ("flush", 10)],
        [("rename", 3), ("rename", 4), ("rename", 5), ("rename", 6)],
        [("validate", 2), ("validate", 4), ("validate", 1)],  # the last ones are those of the end
    ],
)
def test_kill_9_changes_nothing(tmp_path: Path, whole: Path, kills: list[tuple[str, int]]) -> None:
    for kill in kills:
        assert ended(start(tmp_path, resume=True, kill=kill)) == -signal.SIGKILL
    assert ended(start(tmp_path, resume=True)) == 0
    assert_same_end(tmp_path, whole)


def test_kill_9_from_outside_changes_nothing(tmp_path: Path, whole: Path) -> None:
    for delay in (0.03, 0.05, 0.07, 0.09, 0.11, 0.13):
        process = start(tmp_path, resume=True)
        time.sleep(delay)
        process.kill()
        ended(process)
    assert ended(start(tmp_path, resume=True)) == 0
    assert_same_end(tmp_path, whole)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_save_and_leave(tmp_path: Path, whole: Path, number: int, code: int) -> None:
    process = start(tmp_path)
    while not (tmp_path / "checkpoints").is_dir() and process.is_alive():
        time.sleep(0.002)
    os.kill(process.pid or 0, number)
    assert ended(process) == code
    assert list((tmp_path / "checkpoints").glob("state-*.json"))
    assert not (tmp_path / "final").exists()
    assert ended(start(tmp_path, resume=True)) == 0
    assert_same_end(tmp_path, whole)


def test_a_folder_in_use_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    process = start(tmp_path, updates=100_000)
    while not (tmp_path / "checkpoints").is_dir() and process.is_alive():
        time.sleep(0.002)
    with pytest.raises(toy.UserError, match=f"in use by another run .process {process.pid}"):
        toy.trainer(tmp_path).fit(resume=True)
    process.kill()
    ended(process)

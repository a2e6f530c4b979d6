"""Folders that are whole or not there."""

import shutil
from pathlib import Path

import pytest

from regard.data.whole_folder import delete_half_made, whole_folder


def test_what_a_killed_process_left_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / ".mine").mkdir()
    with monkeypatch.context() as killed:
        killed.setattr(shutil, "rmtree", lambda *_, **__: None)
        killed.setattr("regard.data.whole_folder._move", lambda *_: None)
        with whole_folder(tmp_path / "validation", "about", "a corpus", lambda: False) as work:
            (work / "ids").write_bytes(b"many")
    assert len(list(tmp_path.iterdir())) == 3
    delete_half_made(tmp_path)
    assert sorted(place.name for place in tmp_path.iterdir()) == [".mine", "train"]

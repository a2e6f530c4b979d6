"""Files that are whole, and what is no file."""

import errno
import os
import stat
from pathlib import Path

import pytest

from regard.data.text import Tokenizer
from regard.data.text.config import TokenizerConfig
from regard.errors import UserError
from regard.lens.html import Page
from regard.training.curves import draw_curves
from regard.training.log import RunLog, read_log
from regard.whole_file import write_atomically


def full(_: int) -> None:
    """What flushing comes to on a disk that can keep no more."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_link_and_who_may_read_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o600)


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    write_atomically(tmp_path / ("n" * 255), b"new")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"new"


def test_what_is_no_file_is_written_straight_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, b"new")
    assert os.read(reader, 9) == b"new"
    os.close(reader)
    assert pipe.is_fifo()
    with pytest.raises(UserError, match="cannot write: Is a directory"):
        write_atomically(tmp_path, b"new")


def test_a_folder_that_cannot_be_flushed_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = os.fsync

    def of_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", of_files)
    write_atomically(tmp_path / "a.txt", b"new")
    assert (tmp_path / "a.txt").read_bytes() == b"new"


def test_a_place_that_takes_no_new_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(path: Path, target: Path) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(Path, "replace", busy)
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(UserError, match="busy; its folder takes no new file to put in its place; choose"):
        write_atomically(tmp_path / "a.txt", b"new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_full_disk_keeps_pages_and_tokenizers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        Page("new", "title").write(page, force=True)
    with pytest.raises(UserError, match="No space left"):
        Tokenizer.train(["to be"] * 9, TokenizerConfig(kind="character")).save(page)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_full_disk_keeps_the_log_and_the_curves_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunLog(tmp_path, update=0, validated=0) as log:
        log.write(1, {"loss": 2.5})
    curves = draw_curves(tmp_path)
    assert curves is not None
    there, before = sorted(tmp_path.iterdir()), curves.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    # As errors of the system: the trainer says what is safe, and how to go on.
    with pytest.raises(OSError, match="No space left"):
        draw_curves(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        RunLog(tmp_path, update=0, validated=0)
    assert (sorted(tmp_path.iterdir()), curves.read_bytes()) == (there, before)
    assert read_log(tmp_path) == [{"update": 1, "loss": 2.5}]

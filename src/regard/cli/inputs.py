"""What commands are given to read, looked at before any work."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from regard.cli.lines import read_lines
from regard.errors import UserError


def texts_in(path: Path) -> list[str]:
    """The lines of a file.

    Raises:
        UserError: it cannot be read, or is no text.
    """
    try:
        with path.open("rb") as stream:
            return list(read_lines(stream, str(path)))
    except OSError as error:
        raise UserError(f"{path}: cannot read this file: {error.strerror}") from None


def check_texts(inputs: Iterable[str]) -> None:
    """Makes sure that inputs are texts: a file of that name is meant otherwise.

    Raises:
        UserError: one is a file.
    """
    for text in inputs:
        if _is_file(text):
            raise UserError(f"{text}: is a file, and this model reads the text that stands here: give that")


def check_kept(out: Path, inputs: Iterable[str | Path]) -> None:
    """Makes sure that what is written takes the place of nothing that is read, not even by force.

    Args:
        out: what is written.
        inputs: what is read: files, folders, and what is neither.

    Raises:
        UserError: it would.
    """
    if not out.exists():
        return
    found = out.resolve()
    for path in (Path(one).resolve() for one in inputs if _exists(one)):
        if path == found or path in found.parents:
            raise UserError(f"{out}: is read by this command, and would be lost; choose another name")


def check_storable(model: str, figures: str, force: bool) -> Path:
    """Makes sure that figures can be stored with a model, and take the place of none unasked.

    Args:
        model: a folder, or the name of a model that ships.
        figures: their key in its metrics.json.
        force: whether those stored may be replaced.

    Returns:
        The model's folder.

    Raises:
        UserError: there are such figures, or the folder cannot be written.
    """
    from regard.tasks.folder import read_metrics
    from regard.tasks.layout import METRICS, find_model

    folder = find_model(model)
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder}: cannot write into this folder; copy the model, and measure the copy")
    if figures in read_metrics(folder) and not force:
        raise UserError(
            f"{folder / METRICS}: figures of {figures} are stored there; replace them with --force, or copy "
            "the model and measure the copy"
        )
    return folder


def _exists(name: str | Path) -> bool:
    try:
        return Path(name).exists()
    except OSError:  # a text that is too long for a name
        return False


def _is_file(name: str | Path) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # a text that is too long for a name
        return False
